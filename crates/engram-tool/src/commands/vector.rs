//! Vectors of a model of one's own, as the command line gives them: a file with a JSON array of numbers.

use std::io::Read;
use std::path::Path;

use crate::exit::{Exit, Failure};

/// Reads a vector from a file, or from standard input where it is `-`.
pub fn read(path: &Path) -> Result<Vec<f32>, Failure> {
    let name = path.display();
    let text = if path.as_os_str() == "-" {
        standard_input()?
    } else {
        engram::import::read_text(path).map_err(engram::Error::from)?
    };
    let vector: Vec<f32> = serde_json::from_str(&text).map_err(|error| {
        let sentence =
            format!("{name} holds no vector ({error}); write one JSON array of numbers, as [0.1, -0.2]");
        Failure::new(Exit::Refused, sentence)
    })?;
    match vector.iter().position(|element| !element.is_finite()) {
        None => Ok(vector),
        Some(at) => Err(Failure::new(
            Exit::Refused,
            format_args!("{name} holds no vector: element {at} is not finite; write finite numbers"),
        )),
    }
}

/// All of standard input, as text.
pub fn standard_input() -> Result<String, Failure> {
    let refused = |sentence: String| Failure::new(Exit::Refused, sentence);
    let most = engram::import::MAX_FILE_BYTES;
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes).map_err(|error| {
        refused(format!("standard input cannot be read: {error}; check what is piped in"))
    })?;
    if bytes.len() as u64 > most {
        return Err(refused(format!("standard input is longer than {most} bytes; split it")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        refused(format!("standard input is not UTF-8 at byte {at}; convert it to UTF-8"))
    })
}
