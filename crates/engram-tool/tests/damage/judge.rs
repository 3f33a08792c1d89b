//! One damaged store: every operation runs on it, and what each gives is held against the truth.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::operations::{AfterWrite, Answer, Operation, Truth, export, reads, recall_after, verify};
use crate::process::{End, Ended};
use crate::stores::{Prepared, data_file};

/// What an operation on a damaged store must not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A signal ended it.
    Death,
    /// It reported a fault of its own.
    Panic,
    /// It did not end in time.
    TimeOut,
    /// It ended with a code that does not mean that the store cannot be used.
    Code,
    /// It failed without one sentence that says why.
    Unexplained,
    /// It was done, and memories that could be read before are gone without a word.
    Wiped,
    /// It was done and gave something that is not true.
    Altered,
    /// It was done, and its answer lacks something.
    Missing,
    /// `verify` had found nothing, and yet the operation failed or gave something else.
    Unverified,
    /// `consolidate --rebuild` was done, and the store is not what it was before the damage.
    NotRebuilt,
    /// It only reads, or it failed, and yet the file is not as it was.
    Changed,
}

/// A fault, of which operation, and what was seen.
#[derive(Debug)]
pub struct Finding {
    pub fault: Fault,
    pub operation: &'static str,
    pub what: String,
}

/// What came of one damaged store.
#[derive(Debug, Default)]
pub struct Judged {
    pub findings: Vec<Finding>,
    /// Every operation that ran on the damaged store itself.
    pub ran: Vec<&'static str>,
    /// Whether `verify` said that there is damage.
    pub is_found: bool,
}

/// Where one damaged store is judged.
pub struct Judge<'a> {
    pub store: &'a Prepared,
    pub truth: &'a Truth,
    /// The folder that all stores lie in, and the name of the copy's folder in it.
    pub root: &'a Path,
    pub copy: &'a str,
    /// The damaged data file.
    pub damaged: &'a [u8],
    /// Which id and which cue are asked for.
    pub choice: usize,
    /// Whether nothing of the file but its contents tells of the damage.
    pub is_unnoticed: bool,
    judged: Judged,
}

/// Which lines of an export are not those of another.
enum Lines {
    Same,
    Some,
    Others,
}

impl<'a> Judge<'a> {
    pub fn new(
        store: &'a Prepared,
        truth: &'a Truth,
        (root, copy): (&'a Path, &'a str),
        damaged: &'a [u8],
        choice: usize,
    ) -> Self {
        Self { store, truth, root, copy, damaged, choice, is_unnoticed: false, judged: Judged::default() }
    }

    /// Runs everything that reads, and the given operations that write, each of these on a copy of its own.
    pub fn run(mut self, writes: &[usize]) -> Judged {
        self.lay();
        let found = self.run_one(&verify());
        self.read(&verify(), &found, false);
        self.judged.is_found = !found.is(0);
        for operation in reads(self.store, self.choice) {
            let ended = self.run_one(&operation);
            self.read(&operation, &ended, found.is(0));
        }
        for write in writes {
            self.lay();
            self.write(&self.truth.writes[*write], found.is(0));
        }
        self.judged
    }

    fn lay(&self) {
        if self.is_unnoticed {
            return self.store.lay_unnoticed(self.root, self.copy, self.damaged);
        }
        self.store.lay(&self.root.join(self.copy), self.damaged);
    }

    fn run_one(&mut self, operation: &Operation) -> Ended {
        self.judged.ran.push(operation.name);
        operation.run(self.root, self.copy)
    }

    /// Whether the data file is still the damaged one, byte for byte.
    fn is_untouched(&self) -> bool {
        let folder = self.root.join(self.copy);
        let file = data_file(&folder);
        file == folder.join(&self.store.data) && fs::read(file).is_ok_and(|bytes| bytes == self.damaged)
    }

    /// Whether the file is what every store is before its first commit: there, and without a byte. Nobody can tell that
    /// it was more, so it may be made anew.
    fn is_before_its_first_commit(&self) -> bool {
        self.damaged.is_empty() && self.store.is_first_generation()
    }

    fn find(&mut self, fault: Fault, operation: &Operation, what: impl Into<String>) {
        self.judged.findings.push(Finding { fault, operation: operation.name, what: what.into() });
    }

    /// Judges how a process ended; says whether it ended with a code that is fit for a damaged store.
    fn ended(&mut self, operation: &Operation, ended: &Ended) -> bool {
        let said = shortened(&ended.err);
        match ended.end {
            _ if ended.is_panic() => self.find(Fault::Panic, operation, said),
            End::Signal(signal) => self.find(Fault::Death, operation, format!("signal {signal}: {said}")),
            End::TimedOut | End::Killed => self.find(Fault::TimeOut, operation, said),
            End::Code(0) => return true,
            End::Code(code @ (1 | 4)) => {
                // An export names each memory that cannot be read, and `forget` each id that it does not know.
                let is_list = operation.is_export() || code == 1;
                if !ended.is_explained() || (ended.err.lines().count() > 1 && !is_list) {
                    self.find(Fault::Unexplained, operation, format!("code {code}: {said:?}"));
                }
                return true;
            }
            End::Code(code) => self.find(Fault::Code, operation, format!("code {code}: {said}")),
        }
        false
    }

    fn read(&mut self, operation: &Operation, ended: &Ended, is_verified: bool) {
        if !self.is_untouched() {
            if !self.is_before_its_first_commit() {
                self.find(Fault::Changed, operation, "reading changed the file");
            }
            self.lay();
        }
        let truth = self.truth.of_read(operation);
        if !self.ended(operation, ended) {
            return;
        }
        let before = self.judged.findings.len();
        match Answer::of(operation, ended) {
            Some(answer) if answer.code == 0 => self.compare(operation, &answer, truth),
            Some(answer) if operation.is_export() => {
                // Of two states it cannot know the last where a header page is lost, and says so.
                let may_be_outdated = ended.err.contains("as it was before the last change");
                let truth = match ended.err.contains("vectors lack the name of their model") {
                    true => without_models(&truth.out),
                    false => truth.out.clone(),
                };
                if let (Lines::Others, false) = (lines(&answer.out, &truth), may_be_outdated) {
                    self.find(Fault::Altered, operation, "what it gave beside its complaint is not true");
                }
            }
            Some(answer) if answer.code == 1 && operation.name != "verify" => {
                self.find(Fault::Missing, operation, shortened(&ended.err));
            }
            _ => {}
        }
        let failed = !ended.is(0) && operation.name != "verify";
        if is_verified && (failed || self.judged.findings.len() > before) {
            self.find(Fault::Unverified, operation, shortened(&ended.err));
        }
    }

    /// Holds an answer with code 0 against the true one.
    fn compare(&mut self, operation: &Operation, answer: &Answer, truth: &Answer) {
        if answer == truth {
            return;
        }
        let fault = match operation.name {
            "export" => match lines(&answer.out, &truth.out) {
                Lines::Same | Lines::Some => Fault::Missing,
                Lines::Others => Fault::Altered,
            },
            _ => Fault::Altered,
        };
        self.find(fault, operation, difference(&answer.out, &truth.out));
    }

    fn write(&mut self, after: &AfterWrite, is_verified: bool) {
        let operation = &after.operation;
        let ended = self.run_one(operation);
        let begins = matches!(operation.name, "remember" | "import" | "synchronise");
        if self.is_before_its_first_commit() && begins && ended.is(0) {
            return;
        }
        let before = self.judged.findings.len();
        if !self.ended(operation, &ended) {
            return;
        }
        if ended.is(0) {
            self.done(after, &ended);
        } else {
            if ended.is(1) {
                self.find(Fault::Missing, operation, shortened(&ended.err));
            }
            self.failed(after);
        }
        if is_verified && (!ended.is(0) || self.judged.findings.len() > before) {
            self.find(Fault::Unverified, operation, shortened(&ended.err));
        }
    }

    /// Judges the store after an operation that failed.
    fn failed(&mut self, after: &AfterWrite) {
        if self.is_untouched() || self.is_before_its_first_commit() {
            return;
        }
        let operation = &after.operation;
        if operation.name == "rebuild" {
            self.find(Fault::Changed, operation, "it failed and changed the file");
        }
        let exported = export().run(self.root, self.copy);
        let whole = &self.truth.of_read(&export()).out;
        let out = String::from_utf8_lossy(&exported.out);
        let is_whole = [whole, &after.export.out].iter().any(|truth| match lines(&out, truth) {
            Lines::Same => true,
            Lines::Some => exported.is(4),
            Lines::Others => false,
        });
        if !is_whole && matches!(exported.end, End::Code(_)) {
            let is_clean = verify().run(self.root, self.copy).is(0);
            let fault = if is_clean { Fault::Wiped } else { Fault::Missing };
            self.find(fault, operation, "it failed, and an export gives less or something else");
        }
    }

    /// Judges the store after an operation that was done.
    fn done(&mut self, after: &AfterWrite, ended: &Ended) {
        let operation = &after.operation;
        if let Some(answer) = Answer::of(operation, ended) {
            self.compare(operation, &answer, &after.answer);
        }
        let result = operation.result(self.copy);
        let exported = export().run(self.root, &result);
        let verified = verify().run(self.root, &result);
        if operation.is_backup() && !verified.is(0) {
            let found = shortened(&String::from_utf8_lossy(&verified.out));
            self.find(Fault::Altered, operation, format!("the copy is damaged: {found}"));
        }
        if operation.is_backup() && !self.is_untouched() {
            self.find(Fault::Changed, operation, "it changed what it copied");
        }
        let out = String::from_utf8_lossy(&exported.out);
        match (exported.end, lines(&out, &after.export.out)) {
            (End::Code(0), Lines::Same) => {}
            (End::Code(0), lines) => {
                let fault = match lines {
                    _ if verified.is(0) => Fault::Wiped,
                    Lines::Others => Fault::Altered,
                    Lines::Same | Lines::Some => Fault::Missing,
                };
                let what = difference(&out, &after.export.out);
                self.find(fault, operation, format!("in the export after it: {what}"));
            }
            (End::Code(_), Lines::Others) => {
                self.find(Fault::Altered, operation, "in the export after it");
            }
            (End::Code(_), _) if exported.err.contains("there is no store") => {
                self.find(Fault::Wiped, operation, shortened(&exported.err));
            }
            // What an export does on a damaged store is judged by itself.
            _ => {}
        }
        let recalled = recall_after(self.store);
        let answer = Answer::of(&recalled, &recalled.run(self.root, &result));
        if let Some(answer) = answer.filter(|answer| answer.code == 0)
            && answer != after.recall
        {
            let fault = if verified.is(0) { Fault::Unverified } else { Fault::Altered };
            let what = difference(&answer.out, &after.recall.out);
            self.find(fault, operation, format!("in the recall after it: {what}"));
        }
        if operation.name == "rebuild" && !(verified.is(0) && exported.is(0)) {
            let (found, err) = (String::from_utf8_lossy(&verified.out), shortened(&exported.err));
            self.find(Fault::NotRebuilt, operation, format!("{} {err}", shortened(&found)));
        }
    }
}

/// The lines of an export without the names of vector models.
fn without_models(lines: &str) -> String {
    let line = |line: &str| match line.split_once(",\"model\":\"") {
        Some((before, after)) => format!("{before}{}\n", after.split_once('"').map_or("", |(_, rest)| rest)),
        None => format!("{line}\n"),
    };
    lines.lines().map(line).collect()
}

/// How the lines of an export are to those of the true one.
fn lines(given: &str, truth: &str) -> Lines {
    if given == truth {
        return Lines::Same;
    }
    let truth: BTreeSet<&str> = truth.lines().collect();
    if given.lines().all(|line| truth.contains(line)) { Lines::Some } else { Lines::Others }
}

/// The first place at which two answers differ.
fn difference(given: &str, truth: &str) -> String {
    let at = given.bytes().zip(truth.bytes()).take_while(|(a, b)| a == b).count();
    let excerpt = |text: &str| {
        let bytes = text.as_bytes();
        let from = at.saturating_sub(40).min(bytes.len());
        String::from_utf8_lossy(&bytes[from..bytes.len().min(at + 40)]).into_owned()
    };
    format!("{:?} and not {:?} (byte {at})", excerpt(given), excerpt(truth))
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(300).collect()
}
