//! docs/loss-matrix.md says what this build's adapters claim.

use std::fs;

use cpim_gateway::matrix;

#[test]
fn the_page_has_the_tables_of_this_build() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/loss-matrix.md")).unwrap();
    let (_, rest) =
        page.split_once("<!-- made by `cpim-gateway matrix` -->\n").expect("the mark where they begin");
    let (tables, _) = rest.split_once("\n\n<!-- end -->").expect("the mark where they end");
    let now = matrix::tables(&matrix::sides(1024 * 1024));
    assert_eq!(tables, now, "put what `cpim-gateway matrix` prints between the marks of docs/loss-matrix.md");
}
