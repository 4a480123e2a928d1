"""The WordPress plugin's own rules, in PHP with stand-ins for WordPress; the trial has a real one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "integrations/wordpress/winnow/includes"

pytestmark = pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed")

#: One comment, its notes, and the functions of WordPress that the plugin calls for them.
STAND_INS = """
define( 'ABSPATH', '/' );
$GLOBALS['notes'] = array();
$GLOBALS['comment'] = (object) array( 'comment_ID' => 1, 'comment_approved' => '0', 'comment_content' => 'as sent',
  'comment_author' => '', 'comment_author_email' => '', 'comment_author_url' => '' );
function get_comment( $id ) { return $GLOBALS['comment']; }
function clean_comment_cache( $id ) {}
function wp_cache_delete( $id, $group ) {}
function wp_slash( $text ) { return $text; }
function wp_json_encode( $value ) { return json_encode( $value ); }
function get_comment_meta( $id, $key, $single ) { return $GLOBALS['notes'][ $key ] ?? ''; }
function update_comment_meta( $id, $key, $value ) { $GLOBALS['notes'][ $key ] = $value; }
function delete_comment_meta( $id, $key ) { unset( $GLOBALS['notes'][ $key ] ); }
function wp_set_comment_status( $id, $status ) { $GLOBALS['comment']->comment_approved = 'approve' === $status ? '1' : '0'; }
"""
APPROVAL = """
use Winnow\\Plugin\\{Notes, Screening};
Notes::set( 1, array( Notes::ID => 'c1', Notes::SEQUENCE => 2, Notes::STATE => 'flagged', Notes::WANTED => 1,
  Notes::DIGEST => Screening::digest( $GLOBALS['comment'] ) ) );
$GLOBALS['comment']->comment_content = '%s';
Screening::apply( 1, array( 'id' => 'c1', 'status' => 'approved', 'version' => 3 ) );
echo json_encode( array( $GLOBALS['comment']->comment_approved, Notes::get( 1, Notes::STATE ) ) );
"""


@pytest.mark.parametrize(
    "text, becomes",
    [
        pytest.param("as sent", ["1", "approved"], id="the text that was read is published"),
        pytest.param("edited", ["0", "waiting"], id="another is held, and sent anew"),
    ],
)
def test_an_approval_publishes_the_text_that_it_is_of_and_no_other(text: str, becomes: list[str]):
    files = [f"require '{PLUGIN}/class-{name}.php';" for name in ("notes", "screening")]
    program = "\n".join([STAND_INS, *files])
    program = f"namespace {{ {program} }} namespace Trial {{ {APPROVAL % text} }}"
    run = subprocess.run(
        ["php", "-r", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(run.stdout) == becomes
