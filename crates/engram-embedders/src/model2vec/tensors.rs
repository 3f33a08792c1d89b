//! The tensors of a model: a vector for each token, and in some models its weight and which row it is.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// The names under which the vectors may lie.
const NAMES: [&str; 3] = ["embeddings", "embedding.weight", "0"];
const MAX_DIMENSIONS: usize = 65_536;

/// The vectors of tokens.
pub(super) struct Tensors {
    vectors: Vec<f32>,
    dimensions: usize,
    /// By token; empty where all weigh the same.
    weights: Vec<f32>,
    /// The row of each token; empty where they are the same.
    rows: Vec<u32>,
}

impl Tensors {
    /// Reads `model.safetensors`, or says what is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let found = NAMES.iter().find_map(|name| file.tensor(name).ok());
        let vectors = found.ok_or("it holds no tensor named embeddings")?;
        let [count, dimensions] = *vectors.shape() else {
            return Err("its embeddings are no table".to_owned());
        };
        if count == 0 || !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(format!("its embeddings are {count} vectors of {dimensions} dimensions"));
        }
        let optional = |name| file.tensor(name).ok().map(|tensor| numbers(&tensor)).transpose();
        let weights = optional("weights")?.unwrap_or_default();
        let rows: Vec<u32> =
            optional("mapping")?.unwrap_or_default().into_iter().map(|row| row as u32).collect();
        if rows.iter().any(|row| *row as usize >= count) {
            return Err(format!("its mapping leads beyond its {count} vectors"));
        }
        Ok(Self {
            vectors: numbers(&vectors)?.into_iter().map(|element| element as f32).collect(),
            dimensions,
            weights: weights.into_iter().map(|weight| weight as f32).collect(),
            rows,
        })
    }

    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The weighted mean of some tokens' vectors; zeros where there are none.
    pub(super) fn mean(&self, tokens: impl Iterator<Item = u32>) -> Vec<f32> {
        let mut sum = vec![0.0; self.dimensions];
        let mut count = 0;
        for token in tokens {
            let token = token as usize;
            let row = if self.rows.is_empty() {
                Some(token)
            } else {
                self.rows.get(token).map(|row| *row as usize)
            };
            // A token that was added to the tokenizer later may have none.
            let Some(vector) =
                row.and_then(|row| self.vectors.get(row * self.dimensions..)?.get(..self.dimensions))
            else {
                continue;
            };
            let weight =
                if self.weights.is_empty() { 1.0 } else { self.weights.get(token).copied().unwrap_or(1.0) };
            sum.iter_mut().zip(vector).for_each(|(sum, element)| *sum += element * weight);
            count += 1;
        }
        let count = count.max(1) as f32;
        sum.iter_mut().for_each(|element| *element /= count);
        sum
    }
}

/// The elements of a tensor. A mean over an `f64` of each is more than a model of bytes needs, and simple.
fn numbers(tensor: &TensorView<'_>) -> Result<Vec<f64>, String> {
    fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let (elements, _) = bytes.as_chunks::<N>();
        elements.iter().map(|element| number(*element)).collect()
    }
    let bytes = tensor.data();
    Ok(match tensor.dtype() {
        Dtype::F64 => each(bytes, f64::from_le_bytes),
        Dtype::F32 => each(bytes, |element| f32::from_le_bytes(element).into()),
        Dtype::F16 => each(bytes, |element| half(u16::from_le_bytes(element))),
        Dtype::BF16 => {
            each(bytes, |element| f32::from_bits(u32::from(u16::from_le_bytes(element)) << 16).into())
        }
        Dtype::I8 => each(bytes, |element: [u8; 1]| i8::from_le_bytes(element).into()),
        Dtype::I32 => each(bytes, |element| i32::from_le_bytes(element).into()),
        Dtype::I64 => each(bytes, |element| i64::from_le_bytes(element) as f64),
        other => return Err(format!("numbers of the type {other:?} are not supported")),
    })
}

/// The number that the bits of an IEEE half-precision number say.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction / f64::from(1 << 24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        // 2^(exponent − 15) without a power: both factors are exact.
        _ => (1.0 + fraction / 1024.0) * f64::from(1 << exponent) / f64::from(1 << 15),
    };
    sign * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x8000, 0.0),
        ] {
            assert_eq!(half(bits), number);
        }
        assert_eq!(half(0x7c00), f64::INFINITY);
        assert!(half(0x7e00).is_nan());
    }
}
