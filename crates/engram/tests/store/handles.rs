//! What a program holds: handles that print themselves, errors that can be named.

use engram::{Curve, CurveError, GraphBlock, GraphError, Importer, Vault};

use crate::world::{filled, large};

#[test]
fn handles_print_where_they_lead_and_nothing_that_is_stored() {
    let (folder, engram) = filled();
    let printed = format!("{engram:?}");
    assert_eq!(printed, format!("Engram {{ folder: {:?}, .. }}", engram.folder()));
    assert_eq!(format!("{:?}", Importer::new(&engram)), format!("Importer {{ engram: {printed}, seen: 0 }}"));
    drop(engram);
    let vault = Vault::open_with_store(folder.path(), folder.path().join("store")).unwrap();
    let start = format!("Vault {{ folder: {:?}, engram: {printed}", folder.path());
    assert!(format!("{vault:?}").starts_with(&start), "{vault:?}");
}

#[test]
fn the_packed_graph_prints_its_size() {
    let (_folder, engram) = large();
    let (nodes, edges, printed) =
        engram.with_packed_graph(|graph| (graph.nodes(), graph.edges(), format!("{graph:?}"))).unwrap();
    assert!(nodes > 400 && edges > 0, "{printed}");
    assert_eq!(printed, format!("PackedGraph {{ nodes: {nodes}, edges: {edges}, .. }}"));
}

/// What curves and blocks are refused with has a name here too; no program needs the kernels' crate for that.
#[test]
fn errors_of_the_kernels_can_be_named() {
    let refused: CurveError = Curve::power(-1.0).unwrap_err();
    assert!(refused.to_string().contains("-1"), "{refused}");
    let refused: GraphError = GraphBlock::new(1, 0, &[0, 0, 0], &[], &[], &[0.0; 2]).unwrap_err();
    assert_eq!(refused, GraphError::BlockTooLarge { block: 2, nodes: 1 });
}
