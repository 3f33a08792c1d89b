//! What a run of spreading is set to, and the check that it makes sense.
//!
//! One step, of which the usual models are settings (fan = number of out-edges, D = their weights'
//! sum):
//!
//! ```text
//! y_i  = x_i if x_i ≥ firing_threshold · fan_i^threshold_fan_exponent and fan_i ≤ fan_limit, else 0
//! x'_j = restart · s_j + retention · x_j + hop_decay · Σ_i y_i · w_ij / D_i^fan_exponent
//! ```

/// The power to which a fan, or a sum of weights, is raised. There are only three, so that no power
/// function is needed: one, square root, identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FanExponent {
    /// 0: everything counts as 1.
    #[default]
    Zero,
    /// ½: the square root.
    Half,
    /// 1: the number itself.
    One,
}

impl FanExponent {
    /// `base` to this power.
    #[inline(always)]
    pub(crate) fn of(self, base: f32) -> f32 {
        match self {
            Self::Zero => 1.0,
            Self::Half => base.sqrt(),
            Self::One => base,
        }
    }
}

/// What becomes of the activation of nodes with no out-edges (or none above weight 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dangling {
    /// They drop it.
    #[default]
    Drop,
    /// It goes back to the seeds, in proportion to their activation, times `hop_decay`; so
    /// personalised PageRank loses nothing.
    ReturnToSeeds,
}

/// Hops after which a run without `max_hops` ends, whatever its tolerance. Most end far sooner: see
/// [`SpreadRule::hops_at_most`].
pub const HOPS_WITHOUT_LIMIT: u32 = 10_000;

/// The settings of a run of spreading: start from a preset, change what differs, then
/// [`check`](Self::check) them.
///
/// ```
/// use engram_kernels::SpreadParameters;
///
/// let rule = SpreadParameters::personalised_page_rank(0.85).with_max_hops(20).check()?;
/// # Ok::<(), engram_kernels::ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpreadParameters {
    /// ι, 0 to 1: the share of the seeds' activation that is put in again at each hop.
    pub restart: f32,
    /// κ, 0 to 1: the share of its activation that a node keeps over a hop.
    pub retention: f32,
    /// λ, 0 to 1: the factor on what travels along edges.
    pub hop_decay: f32,
    /// β: how a node's out-weights divide what it gives. One shares it out; Zero gives every edge all.
    pub fan_exponent: FanExponent,
    /// θ, at least 0: activation below it (times the fan's power) does not fire.
    pub firing_threshold: f32,
    /// φ: how much harder nodes with many edges fire.
    pub threshold_fan_exponent: FanExponent,
    /// Nodes with more out-edges than this do not fire.
    pub fan_limit: Option<u32>,
    /// Stops after so many hops. Needed unless `fan_exponent` is One.
    pub max_hops: Option<u32>,
    /// Stops when no activation changed by more than this in a hop, or when only rounding could still
    /// change that much.
    pub tolerance: f32,
    /// What nodes without out-edges do.
    pub dangling: Dangling,
}

/// Settings which have been checked: finite, in range, and sure to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpreadRule(SpreadParameters);

/// Why settings were refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// A share is not between 0 and 1.
    #[error("{name} must be between 0 and 1, not {value}")]
    NotAShare {
        /// The setting.
        name: &'static str,
        /// What it was.
        value: f32,
    },
    /// A number is negative, infinite or NaN.
    #[error("{name} must be finite and at least 0, not {value}")]
    NotAnAmount {
        /// The setting.
        name: &'static str,
        /// What it was.
        value: f32,
    },
    /// `fan_exponent` is below One, so activation can grow for ever, and there is no `max_hops`.
    #[error("a fan exponent below one needs max_hops, because activation can grow at every hop")]
    GrowsWithoutHopLimit,
    /// `retention + hop_decay` is 1 or more, so nothing settles, and there is no `max_hops`.
    #[error("retention + hop_decay must be below 1 without max_hops, but {retention} + {hop_decay} is not")]
    NeverSettles {
        /// κ.
        retention: f32,
        /// λ.
        hop_decay: f32,
    },
    /// `tolerance` is 0 and there is no `max_hops`.
    #[error("tolerance must be above 0 without max_hops")]
    NothingStops,
}

impl SpreadParameters {
    /// Personalised PageRank (Page et al. 1999; Haveliwala 2002): `x' = (1 − d)·s + d·Σ x·w/D`, until
    /// no node changes by more than 1e-6. `damping` is commonly 0.7 to 0.85.
    #[must_use]
    pub const fn personalised_page_rank(damping: f32) -> Self {
        Self {
            restart: 1.0 - damping,
            retention: 0.0,
            hop_decay: damping,
            fan_exponent: FanExponent::One,
            firing_threshold: 0.0,
            threshold_fan_exponent: FanExponent::Zero,
            fan_limit: None,
            max_hops: None,
            tolerance: 1e-6,
            dangling: Dangling::Drop,
        }
    }

    /// Leaky accumulation: `x' = s + (1 − gamma)·x + alpha·Σ x·w`, for `hops` hops.
    #[must_use]
    pub const fn leaky(alpha: f32, gamma: f32, hops: u32) -> Self {
        Self {
            restart: 1.0,
            retention: 1.0 - gamma,
            hop_decay: alpha,
            fan_exponent: FanExponent::Zero,
            max_hops: Some(hops),
            tolerance: 0.0,
            ..Self::personalised_page_rank(0.0)
        }
    }

    /// Constrained spreading (Crestani 1997): `x' = x + hop_decay·Σ y·w`, where only nodes at or above
    /// `threshold` fire, for `hops` (commonly 2 to 4) hops. Set [`Self::with_retention`] to 0 for
    /// waves that leave nothing behind, and [`Self::with_fan_limit`] against hubs.
    #[must_use]
    pub const fn constrained(hop_decay: f32, threshold: f32, hops: u32) -> Self {
        Self {
            restart: 0.0,
            retention: 1.0,
            hop_decay,
            firing_threshold: threshold,
            ..Self::leaky(0.0, 0.0, hops)
        }
    }

    /// ACT-R's spreading activation (Anderson and Lebiere 1998): one hop of `Σ W_i·S_ij`. The seeds
    /// are the attentional weights W, and the graph's weights are `S_ij = max(0, S − ln fan)`.
    #[must_use]
    pub const fn act_r() -> Self {
        Self { retention: 0.0, ..Self::constrained(1.0, 0.0, 1) }
    }

    /// Sets [`Self::restart`].
    #[must_use]
    pub const fn with_restart(self, restart: f32) -> Self {
        Self { restart, ..self }
    }

    /// Sets [`Self::retention`].
    #[must_use]
    pub const fn with_retention(self, retention: f32) -> Self {
        Self { retention, ..self }
    }

    /// Sets [`Self::hop_decay`].
    #[must_use]
    pub const fn with_hop_decay(self, hop_decay: f32) -> Self {
        Self { hop_decay, ..self }
    }

    /// Sets [`Self::fan_exponent`].
    #[must_use]
    pub const fn with_fan_exponent(self, fan_exponent: FanExponent) -> Self {
        Self { fan_exponent, ..self }
    }

    /// Sets [`Self::firing_threshold`] and [`Self::threshold_fan_exponent`].
    #[must_use]
    pub const fn with_firing_threshold(self, firing_threshold: f32, fan_exponent: FanExponent) -> Self {
        Self { firing_threshold, threshold_fan_exponent: fan_exponent, ..self }
    }

    /// Sets [`Self::fan_limit`].
    #[must_use]
    pub const fn with_fan_limit(self, fan_limit: u32) -> Self {
        Self { fan_limit: Some(fan_limit), ..self }
    }

    /// Sets [`Self::max_hops`].
    #[must_use]
    pub const fn with_max_hops(self, max_hops: u32) -> Self {
        Self { max_hops: Some(max_hops), ..self }
    }

    /// Takes away [`Self::max_hops`].
    #[must_use]
    pub const fn without_max_hops(self) -> Self {
        Self { max_hops: None, ..self }
    }

    /// Sets [`Self::tolerance`].
    #[must_use]
    pub const fn with_tolerance(self, tolerance: f32) -> Self {
        Self { tolerance, ..self }
    }

    /// Sets [`Self::dangling`].
    #[must_use]
    pub const fn with_dangling(self, dangling: Dangling) -> Self {
        Self { dangling, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If a number is out of its range or NaN, or if nothing makes the run stop.
    pub fn check(self) -> Result<SpreadRule, ParameterError> {
        let shares =
            [("restart", self.restart), ("retention", self.retention), ("hop_decay", self.hop_decay)];
        if let Some((name, value)) = shares.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Err(ParameterError::NotAShare { name, value });
        }
        let amounts = [("firing_threshold", self.firing_threshold), ("tolerance", self.tolerance)];
        if let Some((name, value)) =
            amounts.into_iter().find(|(_, value)| !(0.0..f32::INFINITY).contains(value))
        {
            return Err(ParameterError::NotAnAmount { name, value });
        }
        if self.max_hops.is_none() {
            if self.fan_exponent != FanExponent::One {
                return Err(ParameterError::GrowsWithoutHopLimit);
            }
            if self.retention + self.hop_decay >= 1.0 {
                let Self { retention, hop_decay, .. } = self;
                return Err(ParameterError::NeverSettles { retention, hop_decay });
            }
            if self.tolerance == 0.0 {
                return Err(ParameterError::NothingStops);
            }
        }
        // −0 would pass the ranges; adding +0 makes it +0.
        Ok(SpreadRule(Self {
            restart: self.restart + 0.0,
            retention: self.retention + 0.0,
            hop_decay: self.hop_decay + 0.0,
            firing_threshold: self.firing_threshold + 0.0,
            tolerance: self.tolerance + 0.0,
            ..self
        }))
    }
}

impl TryFrom<SpreadParameters> for SpreadRule {
    type Error = ParameterError;

    fn try_from(parameters: SpreadParameters) -> Result<Self, ParameterError> {
        parameters.check()
    }
}

impl SpreadRule {
    /// The settings.
    #[must_use]
    pub const fn parameters(&self) -> &SpreadParameters {
        &self.0
    }

    /// Hops after which a run from seeds that add up to `seeds` ends at the latest.
    ///
    /// Without `max_hops` that is where exact arithmetic would have settled. From one hop to the next the
    /// changes of all nodes together shrink to `retention + hop_decay` of what they were, because a node
    /// gives no more than it has; the first are at most `1 + restart + retention + hop_decay` times the
    /// seeds. Once that is down to the tolerance, what still changes is rounding: a node with a million
    /// in-edges can waver for ever. With a firing threshold there is no such bound, and
    /// [`HOPS_WITHOUT_LIMIT`] holds.
    #[must_use]
    pub fn hops_at_most(&self, seeds: f64) -> u32 {
        let Self(SpreadParameters { restart, retention, hop_decay, tolerance, .. }) = *self;
        if let Some(max_hops) = self.0.max_hops {
            return max_hops;
        }
        if self.0.firing_threshold > 0.0 {
            return HOPS_WITHOUT_LIMIT;
        }
        let shrinks = f64::from(retention) + f64::from(hop_decay);
        let mut changes = (1.0 + f64::from(restart) + shrinks) * seeds;
        let mut hops = 1;
        while changes > f64::from(tolerance) && hops < HOPS_WITHOUT_LIMIT {
            changes *= shrinks;
            hops += 1;
        }
        hops
    }
}
