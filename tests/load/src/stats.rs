//! What is said of several repetitions of one measurement.

/// The repetitions of one measurement, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds a repetition.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Each, in the order in which it was made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().copied()
    }

    /// The one in the middle; `NaN` where there is none.
    pub(crate) fn median(&self) -> f64 {
        quantile(&self.0, 0.5)
    }

    /// The least and the greatest.
    pub(crate) fn range(&self) -> (f64, f64) {
        (quantile(&self.0, 0.0), quantile(&self.0, 1.0))
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// The value below which this part (0 to 1) of the values lies, itself one of them; `NaN` where there is none.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = (part * last as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends() {
        let samples: Samples = [3.0, 1.0, 2.0].into_iter().collect();
        assert_eq!(samples.median(), 2.0);
        assert_eq!(samples.range(), (1.0, 3.0));
        assert!(Samples::default().median().is_nan());
    }
}
