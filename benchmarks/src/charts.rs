//! Charts of a report: cost against size, and bars beside each peer.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::contender::Role;
use crate::report::{Report, Row, time};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const ENGRAM: RGBColor = RGBColor(200, 60, 30);
const INK: RGBColor = RGBColor(50, 50, 50);
const SOFT: RGBColor = RGBColor(130, 130, 130);

/// Draws what there is to draw into SVG files of a folder.
pub fn draw(report: &Report, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let rows = |bench: &str, keep: &dyn Fn(&str) -> bool| -> Vec<Row> {
        report.rows.iter().filter(|row| row.bench == bench && keep(&row.work)).cloned().collect()
    };
    let sized = [
        ("dot-768", rows("similarity", &|work| work.starts_with("dot 768 ")), "dot product, 768 dimensions"),
        ("cosine-768", rows("similarity", &|work| work.starts_with("cosine 768 ")), "cosine, 768 dimensions"),
        ("decay", rows("decay", &|work| work.starts_with("half-life")), "decay by half-life"),
    ];
    for (name, rows, title) in sized {
        if rows.len() > 1 {
            let file = folder.join(format!("{name}.svg"));
            against_size(&file, &rows, title).map_err(|error| anyhow!("{}: {error}", file.display()))?;
        }
    }
    let barred = [
        ("topk", rows("topk", &|work| work.ends_with("random"))),
        ("spreading", rows("spreading", &|work| work.contains("RMAT"))),
    ];
    for (name, rows) in barred {
        if !rows.is_empty() {
            let file = folder.join(format!("{name}.svg"));
            bars(&file, &rows).map_err(|error| anyhow!("{}: {error}", file.display()))?;
        }
    }
    Ok(())
}

/// A colour for each role, and for each peer one of its own.
fn colour(role: Role, peer: usize) -> RGBColor {
    const PEERS: [RGBColor; 8] = [
        RGBColor(31, 119, 180),
        RGBColor(44, 160, 44),
        RGBColor(148, 103, 189),
        RGBColor(140, 86, 75),
        RGBColor(227, 119, 194),
        RGBColor(188, 160, 34),
        RGBColor(23, 190, 207),
        RGBColor(20, 60, 110),
    ];
    match role {
        Role::Engram => ENGRAM,
        Role::Portable => RGBColor(245, 165, 120),
        Role::PortableNative => RGBColor(225, 120, 60),
        Role::Variant => RGBColor(235, 190, 160),
        Role::Limit => SOFT,
        Role::Peer | Role::Unlike => PEERS[peer % PEERS.len()],
    }
}

fn writing(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// Units, and nanoseconds for each of them.
type Point = (f64, f64);

type Failure = Box<dyn std::error::Error>;

/// Lines: for each contender the cost of a unit, by the number of units.
fn against_size(file: &Path, rows: &[Row], title: &str) -> Result<(), Failure> {
    let mut lines: BTreeMap<&str, (Role, Vec<Point>)> = BTreeMap::new();
    for row in rows {
        // Everybody is sorted by time: of several plain reads the first is the limit.
        let mut limited = false;
        for (name, role, nanoseconds) in row.everybody() {
            if role == Role::Limit && std::mem::replace(&mut limited, true) {
                continue;
            }
            let name = if role == Role::Limit { "plain read" } else { name };
            let line = lines.entry(name).or_insert((role, Vec::new()));
            line.1.push((row.units, nanoseconds / row.units));
        }
    }
    let points = || lines.values().flat_map(|(_, points)| points.iter().copied());
    let range = |numbers: &mut dyn Iterator<Item = f64>| {
        numbers.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)))
    };
    let (left, right) = range(&mut points().map(|(x, _)| x));
    let (low, high) = range(&mut points().map(|(_, y)| y));

    let area = SVGBackend::new(file, (820, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let unit = rows[0].unit.as_str();
    let (plot, legend) = area.split_horizontally(590);
    let mut chart = ChartBuilder::on(&plot)
        .caption(format!("{title}: nanoseconds a {unit}, one thread"), ("sans-serif", 15, &INK))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(55)
        .build_cartesian_2d((left..right).log_scale(), (low * 0.8..high * 1.2).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(if unit == "vector" { "vectors" } else { "memories" })
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| if *y < 10.0 { format!("{y:.1}") } else { format!("{y:.0}") })
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .label_style(("sans-serif", 12, &INK))
        .draw()?;
    // The legend lists them by their cost at the greatest size.
    let mut by_cost: Vec<_> = lines.iter().collect();
    by_cost.sort_by(|a, b| {
        let last = |points: &[Point]| points.last().map_or(0.0, |(_, y)| *y);
        last(&b.1.1).total_cmp(&last(&a.1.1))
    });
    let mut peers = 0;
    for (number, (name, (role, points))) in by_cost.into_iter().enumerate() {
        let colour = colour(*role, peers);
        peers += usize::from(matches!(role, Role::Peer | Role::Unlike));
        let width = if *role == Role::Engram { 3 } else { 1 };
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(width)))?;
        chart.draw_series(
            points.iter().map(|&point| Circle::new(point, 2 + width as i32 / 2, colour.filled())),
        )?;
        let y = 50 + 22 * number as i32;
        legend.draw(&PathElement::new([(5, y), (25, y)], colour.stroke_width(width + 1)))?;
        legend.draw(&Text::new((*name).to_owned(), (32, y - 6), writing(12)))?;
    }
    area.present()?;
    Ok(())
}

/// Bars: for each piece of work what everybody took, over what Engram took.
fn bars(file: &Path, rows: &[Row]) -> Result<(), Failure> {
    const BAR: i32 = 20;
    const HEAD: i32 = 44;
    let height = |row: &Row| HEAD + BAR * row.everybody().len() as i32;
    let whole: i32 = rows.iter().map(height).sum::<i32>() + 20;
    let area = SVGBackend::new(file, (820, whole as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut top = 10;
    for row in rows {
        bars_of(&area, row, top)?;
        top += height(row);
    }
    area.present()?;
    Ok(())
}

fn bars_of(area: &Area<'_>, row: &Row, top: i32) -> Result<(), Failure> {
    const LEFT: i32 = 250;
    const WIDTH: f64 = 420.0;
    area.draw(&Text::new(format!("{}: time a {}", row.work, row.unit), (10, top + 8), writing(14)))?;
    let everybody = row.everybody();
    let longest = everybody.iter().map(|(.., ns)| *ns).fold(0.0, f64::max);
    let mut peers = 0;
    for (number, (name, role, nanoseconds)) in everybody.into_iter().enumerate() {
        let y = top + 34 + 20 * number as i32;
        let end = LEFT + (WIDTH * nanoseconds / longest).max(1.0) as i32;
        area.draw(&Text::new(name.to_owned(), (10, y), writing(12)))?;
        area.draw(&Rectangle::new([(LEFT, y), (end, y + 13)], colour(role, peers).filled()))?;
        peers += usize::from(matches!(role, Role::Peer | Role::Unlike));
        let over =
            row.engram_ns.map(|engram| format!(" ({:.1} ×)", nanoseconds / engram)).unwrap_or_default();
        let label = format!("{}{over}", time(nanoseconds / row.units));
        area.draw(&Text::new(label, (end + 6, y), writing(12)))?;
    }
    Ok(())
}
