//! The side of this program that is a worker itself: it offers its portable kernels, and plain reads, to a
//! process that has been built otherwise.

use std::io::{BufRead, Write};

use anyhow::{Context, Result, bail};
use engram_kernels::Kernels;

use crate::contender::{Contender, Ours, Role};
use crate::folder;
use crate::jobs::Job;
use crate::workers::{Kind, Named, Reply, Request};
use crate::{decay, recall, similarity, spreading, top_k};

/// Serves requests until there are no more.
pub fn serve() -> Result<()> {
    let mut contenders = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let reply =
            serve_one(&line?, &mut contenders).unwrap_or_else(|error| Reply::Error(format!("{error:#}")));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&reply)?)?;
        out.flush()?;
    }
    Ok(())
}

fn serve_one(line: &str, contenders: &mut Vec<Contender>) -> Result<Reply> {
    let mut find = |name: &str| {
        let found = contenders.iter_mut().position(|contender| contender.name == name);
        found.with_context(|| format!("nobody is called {name}"))
    };
    Ok(match serde_json::from_str(line)? {
        Request::Prepare { job } => {
            contenders.clear();
            *contenders = offers(&job)?;
            Reply::Contenders(contenders.iter().map(named).collect::<Result<_>>()?)
        }
        Request::Call { name, times } => {
            let at = find(&name)?;
            Reply::Nanoseconds(contenders[at].call(times)?)
        }
        Request::Answer { name, file } => {
            let at = find(&name)?;
            folder::write(&file, &contenders[at].answer()?)?;
            Reply::Written
        }
    })
}

fn offers(job: &Job) -> Result<Vec<Contender>> {
    let portable =
        [Ours { name: "portable, native build", role: Role::Portable, kernels: Kernels::portable }];
    match job {
        Job::Similarity { .. } => similarity::kernels(job, &portable, "plain read, native build"),
        Job::TopK { .. } => top_k::kernels(job, &portable),
        Job::Spreading { .. } => spreading::kernels(job, &portable),
        Job::Decay { .. } => decay::kernels(job, &portable),
        Job::Recall { .. } => Ok(vec![recall::contender(job, "portable", Role::Portable)?]),
    }
}

fn named(contender: &Contender) -> Result<Named> {
    let kind = match contender.role {
        Role::Portable => Kind::Portable,
        Role::Limit => Kind::Limit,
        role => bail!("a worker has no {role:?}"),
    };
    Ok(Named { name: contender.name.clone(), kind })
}
