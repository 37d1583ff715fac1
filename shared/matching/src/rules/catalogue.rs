//! Every rule with its plain-English text and where it comes from.

use oss_domain::{Act, Approval, Exclusion, Warning};

/// A rule as people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its code, such as `H06`.
    pub code: &'static str,
    /// What it says, in one sentence.
    pub text: &'static str,
    /// The law, standard or council policy that it comes from.
    pub source: &'static str,
}

/// A code that has a rule.
pub trait Coded: Copy {
    /// The code's text.
    fn code(self) -> &'static str;
    /// What the rule says, and where it comes from.
    fn text_and_source(self) -> (&'static str, &'static str);
}

/// The rule of a code.
pub fn rule(code: impl Coded) -> Rule {
    let (text, source) = code.text_and_source();
    Rule {
        code: code.code(),
        text,
        source,
    }
}

/// Every rule: exclusions, acts that cure them, approvals, warnings, each in order.
pub fn catalogue() -> impl Iterator<Item = Rule> {
    let exclusions = Exclusion::ALL.iter().map(|code| rule(*code));
    let acts = Act::ALL.iter().map(|code| rule(*code));
    let approvals = Approval::ALL.iter().map(|code| rule(*code));
    let warnings = Warning::ALL.iter().map(|code| rule(*code));
    exclusions.chain(acts).chain(approvals).chain(warnings)
}

macro_rules! coded {
    ($type:ident { $($code:ident => $text:expr, $source:expr;)+ }) => {
        impl Coded for $type {
            fn code(self) -> &'static str {
                self.as_str()
            }
            fn text_and_source(self) -> (&'static str, &'static str) {
                match self { $(Self::$code => ($text, $source)),+ }
            }
        }
    };
}

coded! { Exclusion {
    H01 => "The setting is not registered, so no child may be placed there.",
        "Care Standards Act 2000 s 11; Care Planning Regulations 2010 reg 27C";
    H02 => "Supported accommodation is for those aged 16 and 17; nobody of 18 or over is placed as a looked-after child.",
        "Care Planning Regulations 2010 reg 27A; Children Act 1989 s 105";
    H03 => "A child's age is outside the terms of approval or statement of purpose.",
        "Care Planning Regulations 2010 reg 22; Children's Homes (England) Regulations 2015 reg 16";
    H04 => "A child's sex is outside the terms of approval or statement of purpose.",
        "Care Planning Regulations 2010 reg 22; Children's Homes (England) Regulations 2015 reg 16";
    H05 => "There are not enough free places, counting those that are held.",
        "Care Planning Regulations 2010 reg 22; Children's Homes (England) Regulations 2015 reg 16";
    H06 => "The household would go over the usual fostering limit of three children who are not all siblings.",
        "Children Act 1989 Sch 7";
    H07 => "There are not enough free bedrooms: each child aged three or over has a room of their own.",
        "Fostering Services National Minimum Standards 2011, standard 10.6";
    H08 => "A restriction on new children is in force on the start date.",
        "Care Standards Act 2000 s 22B; Children Act 1989 s 47; the council's contract terms";
    H09 => "An essential need cannot be met, or the child is outside the setting's admission criteria.",
        "Children Act 1989 s 22C(8); Children's Homes (England) Regulations 2015 regs 14 and 16";
    H10 => "The match with the children who live there is ruled out.",
        "Children's Homes (England) Regulations 2015 reg 14; Children Act 1989 s 22(3)";
    H11 => "The setting lies inside an exclusion zone.",
        "Children Act 1989 s 22(3); a condition of the care plan";
    H12 => "There is no lawful authority for secure accommodation.",
        "Children Act 1989 s 25; Children (Secure Accommodation) Regulations 1991 reg 4";
    H13 => "The setting and the group differ on parent-and-child arrangements.",
        "Fostering Services (England) Regulations 2011, terms of approval; Care Planning Regulations 2010 reg 22";
    H14 => "This kind of setting is not in the care plan.",
        "Care Planning Regulations 2010 reg 5; Children Act 1989 s 22C";
    H15 => "A court or the plan rules out the authority in which the setting lies.",
        "Legal Aid, Sentencing and Punishment of Offenders Act 2012 s 93; a condition of the care plan";
    H16 => "The setting is judged inadequate or to have serious weaknesses.",
        "The council's policy; D2N2 framework terms";
}}

coded! { Act {
    C1 => "Vary the carer's terms of approval so that the group may live together.",
        "Fostering Services (England) Regulations 2011 reg 28";
    C2 => "Seek an exemption from the usual fostering limit from the authority in whose area the carer lives.",
        "Children Act 1989 Sch 7";
    C3 => "Agree that brothers or sisters share a bedroom.",
        "Fostering Services National Minimum Standards 2011, standard 10.6";
}}

coded! { Approval {
    A01 => "The nominated officer approves a placement outside the area, in an adjoining authority.",
        "Care Planning Regulations 2010 reg 11";
    A02 => "The Director of Children's Services approves a placement at a distance.",
        "Care Planning Regulations 2010 reg 11";
    A03 => "The host authority is given notice of the placement.",
        "Care Planning Regulations 2010 reg 13";
    A04 => "The Head of Service agrees the funding of an agency foster placement.",
        "Derby's scheme of delegation";
    A05 => "The Director of Children's Services agrees the funding of an external residential placement.",
        "Derby's scheme of delegation";
    A08 => "An emergency placement outside the terms of approval lasts six working days at most.",
        "Care Planning Regulations 2010 reg 23";
    A09 => "A connected person is approved temporarily, for 16 weeks at most.",
        "Care Planning Regulations 2010 reg 24";
    A10 => "The nominated officer approves a move that may disrupt education in key stage 4.",
        "Care Planning Regulations 2010 reg 10";
    A11 => "A place bought outside any framework needs a waiver.",
        "The council's contract procedure rules";
    A15 => "A placement outside England needs the consent that the law asks for.",
        "Children Act 1989 Sch 2 para 19; s 22C(6)(c)";
    A16 => "The child's sex is not recorded as male or female and the setting is for one sex: a person decides.",
        "Equality Act 2010; Children's Homes (England) Regulations 2015 reg 16";
    A17 => "The setting's authority is known only from its postcode sector: confirm it.",
        "Care Planning Regulations 2010 regs 11 and 13";
}}

coded! { Warning {
    W01 => "The setting is more than 20 miles from home.",
        "SSDA903 PL_DISTANCE; Children Act 1989 s 22C(8)(a)";
    W04 => "The religion or language asked for is not met: plan support.",
        "Children Act 1989 s 22(5)(c)";
    W05 => "The setting is judged to require improvement, or inconsistent.",
        "Ofsted, social care common inspection framework";
    W06 => "The carer's review will be overdue on the start date.",
        "Fostering Services (England) Regulations 2011 reg 28";
    W08 => "A household without men was preferred, and this may not be one.",
        "Children Act 1989 s 22(4) and (5)";
    W13 => "The vacancy was confirmed more than 24 hours ago: confirm it again.",
        "The council's policy";
}}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_rule_with_a_source() {
        let rules: Vec<_> = catalogue().collect();
        let n_codes =
            Exclusion::ALL.len() + Act::ALL.len() + Approval::ALL.len() + Warning::ALL.len();
        assert_eq!(rules.len(), n_codes);
        for rule in rules {
            assert!(rule.text.ends_with('.'), "{rule:?}");
            assert!(!rule.source.is_empty(), "{rule:?}");
        }
    }
}
