//! tantivy: BM25 over titles and texts, stemmed, without stop words.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value,
};
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter,
    TextAnalyzer,
};
use tantivy::{Index, IndexReader, IndexWriter, TantivyDocument, Term};

use super::sets::{Set, SetLanguage};
use super::{Outcome, Plan, ask_all, bytes_of, fresh, median};

const TOKENIZER: &str = "stemmed";
/// How much a word in a title counts once more. Titles also stand twice in the texts that are indexed: as short as they
/// are, a title field that weighs more beats everything that a text says.
const TITLE_BOOST: f32 = 0.3;
/// What one thread of its writer gets, in bytes.
const WRITER_MEMORY: usize = 50_000_000;
/// Longer ones are no words.
const LONGEST_WORD: usize = 40;

#[derive(Clone, Copy)]
struct Fields {
    id: Field,
    title: Field,
    text: Field,
}

pub fn measure(set: &Set, plan: Plan) -> Result<Outcome> {
    let folder = set.folder().join("tantivy");
    let mut times = Vec::new();
    for _ in 0..plan.ingests {
        fresh(&folder)?;
        let started = Instant::now();
        take_in(&folder, set)?;
        times.push(started.elapsed().as_secs_f64());
    }
    let index = Index::open_in_dir(&folder)?;
    let schema = index.schema();
    let fields = Fields {
        id: schema.get_field("id")?,
        title: schema.get_field("title")?,
        text: schema.get_field("text")?,
    };
    let (mut analyzer, reader) = (analyzer(set.language)?, index.reader()?);
    let (rankings, nanoseconds) =
        ask_all(set, plan, |_, question, k| ask(&reader, &mut analyzer, fields, question, k))?;
    Ok(Outcome {
        name: "tantivy".to_owned(),
        has_model: false,
        rankings,
        nanoseconds,
        ingest_seconds: median(times),
        bytes: Some(bytes_of(&folder)?),
    })
}

fn analyzer(language: SetLanguage) -> Result<TextAnalyzer> {
    let language = match language {
        SetLanguage::English => Language::English,
        SetLanguage::German => Language::German,
    };
    Ok(TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST_WORD))
        .filter(LowerCaser)
        .filter(StopWordFilter::new(language).context("no stop words")?)
        .filter(Stemmer::new(language))
        .filter(AsciiFoldingFilter)
        .build())
}

fn take_in(folder: &Path, set: &Set) -> Result<()> {
    let mut schema = Schema::builder();
    let indexing =
        TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(IndexRecordOption::WithFreqs);
    let options = TextOptions::default().set_indexing_options(indexing).set_stored();
    let fields = Fields {
        id: schema.add_text_field("id", STRING | STORED),
        title: schema.add_text_field("title", options.clone()),
        text: schema.add_text_field("text", options),
    };
    let index = Index::create_in_dir(folder, schema.build())?;
    index.tokenizers().register(TOKENIZER, analyzer(set.language)?);
    // One thread makes one segment, which is searched sooner than several.
    let mut writer: IndexWriter = index.writer_with_num_threads(1, WRITER_MEMORY)?;
    for stored in &set.memories {
        let mut document = TantivyDocument::default();
        let title = stored.memory.title.as_deref().unwrap_or_default();
        document.add_text(fields.id, stored.memory.id.as_str());
        document.add_text(fields.title, title);
        document.add_text(fields.text, format!("{title}\n{}\n{title}", stored.memory.text));
        writer.add_document(document)?;
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    Ok(())
}

/// Any of the question's words, in the title or in the text.
fn ask(
    reader: &IndexReader,
    analyzer: &mut TextAnalyzer,
    fields: Fields,
    question: &str,
    k: usize,
) -> Result<Vec<String>> {
    let mut words: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    let mut stream = analyzer.token_stream(question);
    stream.process(&mut |token| {
        let term = |field| {
            Box::new(TermQuery::new(Term::from_field_text(field, &token.text), IndexRecordOption::WithFreqs))
        };
        words.push((Occur::Should, term(fields.text)));
        words.push((Occur::Should, Box::new(BoostQuery::new(term(fields.title), TITLE_BOOST))));
    });
    drop(stream);
    let searcher = reader.searcher();
    let best = searcher.search(&BooleanQuery::new(words), &TopDocs::with_limit(k).order_by_score())?;
    best.into_iter()
        .map(|(_, address)| {
            let document: TantivyDocument = searcher.doc(address)?;
            let id = document.get_first(fields.id).and_then(|value| value.as_str());
            Ok(id.context("a document without an id")?.to_owned())
        })
        .collect()
}
