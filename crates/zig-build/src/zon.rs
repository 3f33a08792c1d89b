//! A reader for ZON, the notation of `build.zig.zon`: as much of it as a build needs to know.

/// A value: `.{ .name = value }`, `.{ value }`, `"text"`, or anything else, which is kept as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// The fields in their order; those of a list have no names.
    Fields(Vec<(String, Value)>),
    Text(String),
    Other(String),
}

impl Value {
    /// The field `name`; the last of that name, if there are several.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.fields().iter().rev().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    pub(crate) fn fields(&self) -> &[(String, Self)] {
        match self {
            Self::Fields(fields) => fields,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Deeper than any real file, and shallow enough for every stack.
const DEPTH_MAX: usize = 64;

/// The value that `text` is; `None` where it is no ZON.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Passes over white space and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix("//") {
                Some(comment) => self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => return,
            }
        }
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip();
        if depth > DEPTH_MAX {
            return None;
        }
        if self.take(".{") {
            return self.content(depth);
        }
        if self.rest.starts_with("\\\\") {
            return Some(Value::Text(self.lines()));
        }
        if self.rest.starts_with('"') {
            return self.quoted().map(Value::Text);
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || ",}=".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let word = (!word.is_empty()).then(|| word.to_owned())?;
        self.rest = rest;
        Some(Value::Other(word))
    }

    /// What follows `.{`, its end included.
    fn content(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Vec::new();
        while !self.take("}") {
            let before = self.rest;
            let named = self.name().filter(|_| self.take("="));
            if named.is_none() {
                self.rest = before;
            }
            fields.push((named.unwrap_or_default(), self.value(depth + 1)?));
            if !self.take(",") && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Value::Fields(fields))
    }

    /// `.name` or `.@"any name"`.
    fn name(&mut self) -> Option<String> {
        if !self.take(".") {
            return None;
        }
        if self.take("@") {
            return self.quoted();
        }
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let name = (!name.is_empty()).then(|| name.to_owned())?;
        self.rest = rest;
        Some(name)
    }

    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\n' => return None,
                '\\' => text.push(match chars.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'x' => {
                        let digits: String = chars.by_ref().take(2).collect();
                        char::from(u8::from_str_radix(&digits, 16).ok()?)
                    }
                    'u' => {
                        let digits: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    other => other,
                }),
                other => text.push(other),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    /// Lines that begin with two backslashes.
    fn lines(&mut self) -> String {
        let mut lines = Vec::new();
        while let Some(line) = self.rest.trim_start().strip_prefix("\\\\") {
            let (line, rest) = line.split_once('\n').unwrap_or((line, ""));
            lines.push(line);
            self.rest = rest;
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = r#".{
    // A comment, with a brace: }
    .name = .my_lib,
    .version = "1.2.3",
    .fingerprint = 0xf81054308e10a340,
    .minimum_zig_version = "0.15.2", // another
    .dependencies = .{
        .zlib = .{ .url = "git+https://example.org/zlib?ref=1#abc", .hash = "zlib-1-x", .lazy = true },
        .@"a b" = .{ .path = "../a \"b\" \x41\u{e9}" },
    },
    .paths = .{ "build.zig", "src" },
    .note =
        \\one "line"
        \\two
    ,
}
"#;

    #[test]
    fn a_build_zig_zon_is_read() -> Result<(), &'static str> {
        let file = parse(FILE).ok_or("no ZON")?;
        let text = |value: Option<&Value>| value.and_then(Value::text).map(str::to_owned);
        assert_eq!(text(file.field("minimum_zig_version")).as_deref(), Some("0.15.2"));
        assert_eq!(file.field("name"), Some(&Value::Other(".my_lib".to_owned())));
        let dependencies = file.field("dependencies").ok_or("none")?;
        assert_eq!(dependencies.fields().iter().map(|(n, _)| &**n).collect::<Vec<_>>(), ["zlib", "a b"]);
        let [(_, zlib), (_, other)] = dependencies.fields() else { return Err("two") };
        assert_eq!(text(zlib.field("hash")).as_deref(), Some("zlib-1-x"));
        assert_eq!(zlib.field("lazy"), Some(&Value::Other("true".to_owned())));
        assert_eq!(text(other.field("path")).as_deref(), Some("../a \"b\" Aé"));
        assert_eq!(file.field("paths").map(|paths| paths.fields().len()), Some(2));
        assert_eq!(text(file.field("note")).as_deref(), Some("one \"line\"\ntwo"));
        Ok(())
    }

    #[test]
    fn other_texts_are_no_zon() {
        for text in ["", ".{", ".{ .a = }", ".{ .a = 1 .b = 2 }", ".{} .{}", ".{ .a = \"x\n\" }"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(".{}"), Some(Value::Fields(Vec::new())));
        let deep = ".{".repeat(100_000);
        assert_eq!(parse(&deep), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[.{}\"\\\\@,=a /\nx]{0,60}") {
            parse(&text);
        }
    }
}
