//! scratch
#![allow(clippy::unwrap_used, clippy::print_stdout)]
use engram::*;
fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let store = std::env::args().nth(2).unwrap_or("/tmp/try-store".into());
    let _ = std::fs::remove_dir_all(&store);
    let e = Engram::create(&store).unwrap();
    let t = std::time::Instant::now();
    let docs = engram::import::beir::Corpus::open(&dir).unwrap().map(|d| d.unwrap());
    let c = e.remember_all(docs).unwrap();
    println!("{c:?} ingest {:?}", t.elapsed());
    let q = engram::import::beir::queries(&dir).unwrap();
    let j = engram::import::beir::judgements(&dir, engram::import::beir::Split::Test).unwrap();
    for mode in [Mode::Words, Mode::Vectors, Mode::Associative] {
        let v = e.evaluate(&q, &j, mode, Time::now()).unwrap();
        println!("{mode:?} r@5 {:.3} r@10 {:.3} ndcg {:.3} mrr {:.3} ag5 {:.2} ag8 {:.2} ag10 {:.2} p50 {:?} p99 {:?}", v.recall_at_5, v.recall_at_10, v.ndcg_at_10, v.mrr, v.all_gold_at_5, v.all_gold_at_8, v.all_gold_at_10, v.latency(0.5), v.latency(0.99));
    }
    let r = e.recall(&Cue::new(q[0].text.as_str()).k(4)).unwrap();
    println!("{r:#?}");
}
