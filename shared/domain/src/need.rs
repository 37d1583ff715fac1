//! The needs taxonomy: fifteen domains, five levels (docs/domain.md).

use std::fmt;

codes! {
    /// A domain of need.
    pub enum Need {
        /// Emotional and mental health.
        Emotional = "EMO",
        /// Behaviour and aggression.
        Behaviour = "BEH",
        /// Attachment and relationships.
        Relationships = "REL",
        /// Going missing, exploitation.
        Risk = "RISK",
        /// Self-harm and suicidality.
        SelfHarm = "SELF",
        /// Substances.
        Substances = "SUB",
        /// Harmful sexual behaviour.
        HarmfulSexualBehaviour = "HSB",
        /// Offending and fire-setting.
        Offending = "OFF",
        /// Learning disability.
        LearningDisability = "LD",
        /// Autism and neurodiversity.
        Autism = "ASC",
        /// Physical and personal care.
        Physical = "PHY",
        /// Health and medical tasks.
        Medical = "MED",
        /// Sensory impairment.
        Sensory = "SEN",
        /// Support in education.
        Education = "EDU",
        /// Towards independence.
        Independence = "IND",
    }
}

impl Need {
    /// How many domains there are.
    pub const COUNT: usize = Self::ALL.len();

    /// What the code stands for, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Emotional => "emotional and mental health",
            Self::Behaviour => "behaviour",
            Self::Relationships => "attachment and relationships",
            Self::Risk => "going missing or exploitation",
            Self::SelfHarm => "self-harm",
            Self::Substances => "substance use",
            Self::HarmfulSexualBehaviour => "harmful sexual behaviour",
            Self::Offending => "offending or fire-setting",
            Self::LearningDisability => "learning disability",
            Self::Autism => "autism and neurodiversity",
            Self::Physical => "physical and personal care",
            Self::Medical => "health and medical tasks",
            Self::Sensory => "sensory impairment",
            Self::Education => "support in education",
            Self::Independence => "preparing for independence",
        }
    }

    const fn idx(self) -> usize {
        self as usize
    }
}

/// A level of need or of capability: 0 none, 1 universal parenting, 2 additional, 3 specialist,
/// 4 intensive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// No need, no capability.
    pub const NONE: Self = Self(0);
    /// The highest level.
    pub const MAX: Self = Self(4);

    /// The level `level`, or `None` above 4.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level <= Self::MAX.0 {
            Some(Self(level))
        } else {
            None
        }
    }

    /// The level as a number from 0 to 4.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A level for every domain; absent is [`Level::NONE`].
///
/// Both what a child needs and what a setting can meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Levels([Level; Need::COUNT]);

impl Levels {
    /// The level in `need`.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "the array has an element for every need"
    )]
    pub const fn get(&self, need: Need) -> Level {
        self.0[need.idx()]
    }

    /// Sets the level in `need`.
    #[expect(
        clippy::indexing_slicing,
        reason = "the array has an element for every need"
    )]
    pub const fn set(&mut self, need: Need, level: Level) {
        self.0[need.idx()] = level;
    }

    /// Every domain with a level above none, in the domains' order.
    pub fn present(&self) -> impl Iterator<Item = (Need, Level)> + '_ {
        Need::ALL
            .iter()
            .map(|need| (*need, self.get(*need)))
            .filter(|(_, level)| *level > Level::NONE)
    }

    /// Whether there is no level above none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.present().next().is_none()
    }
}

impl FromIterator<(Need, Level)> for Levels {
    fn from_iter<I: IntoIterator<Item = (Need, Level)>>(levels: I) -> Self {
        let mut all = Self::default();
        for (need, level) in levels {
            all.set(need, level);
        }
        all
    }
}

/// A set of domains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NeedSet(u16);

impl NeedSet {
    /// Whether `need` is in the set.
    #[must_use]
    pub const fn contains(self, need: Need) -> bool {
        self.0 & (1 << need.idx()) != 0
    }

    /// Adds `need`.
    pub const fn insert(&mut self, need: Need) {
        self.0 |= 1 << need.idx();
    }

    /// The set's members, in order.
    pub fn iter(self) -> impl Iterator<Item = Need> {
        Need::ALL
            .iter()
            .copied()
            .filter(move |need| self.contains(*need))
    }

    /// One bit a domain, the first being the lowest.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl FromIterator<Need> for NeedSet {
    fn from_iter<I: IntoIterator<Item = Need>>(needs: I) -> Self {
        let mut set = Self::default();
        for need in needs {
            set.insert(need);
        }
        set
    }
}

/// What a child, or a group at its highest, needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Needs {
    /// The level in each domain.
    pub levels: Levels,
    /// The domains that must be met in full.
    pub essential: NeedSet,
}
