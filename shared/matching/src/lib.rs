//! Rules, values, order and explanation: which settings may take the child, and in what order.
