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
function is_wp_error( $thing ) { return false; }
function wp_slash( $text ) { return $text; }
function wp_json_encode( $value ) { return json_encode( $value ); }
function get_comment_meta( $id, $key, $single ) { return $GLOBALS['notes'][ $key ] ?? ''; }
function update_comment_meta( $id, $key, $value ) { $GLOBALS['notes'][ $key ] = $value; }
function delete_comment_meta( $id, $key ) { unset( $GLOBALS['notes'][ $key ] ); }
function wp_set_comment_status( $id, $status ) { $GLOBALS['comment']->comment_approved = 'approve' === $status ? '1' : '0'; }
"""
#: The way to Winnow: an event arrives before the answer does.
ASKED = """namespace Winnow\\Plugin {
class Settings { static function learn_desk( $answer ) {} }
class Lock {
  static function wait_for( $name, $seconds, $patience ) { return true; }
  static function release( $name ) {}
}
class Client {
  static $answer, $event = array( 'id' => 'c1', 'status' => 'flagged', 'version' => 1, 'reasons' => array() );
  static function ask() {
    if ( self::$event ) { Screening::apply( 1, self::$event ); }
    return self::$answer;
  }
}
}"""
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
        pytest.param("edited", ["0", "waiting"], id="another is held, and sent again"),
    ],
)
def test_an_approval_publishes_the_text_that_it_is_of_and_no_other(text: str, becomes: list[str]):
    assert ran(APPROVAL % text) == becomes


OVERTAKEN = """
use Winnow\\Plugin\\{Client, Notes, Screening};
Notes::set( 1, array( Notes::ID => 'c1', Notes::STATE => 'waiting', Notes::DIGEST => Screening::digest( $GLOBALS['comment'] ) ) );
Client::$answer = json_decode( '%s', true );
Screening::send( 1, 2 );
echo json_encode( array( $GLOBALS['comment']->comment_approved, Notes::get( 1, Notes::STATE ) ) );
"""


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param('{"id":"c1","status":"flagged","version":1,"reasons":[]}', id="the verdict"),
        pytest.param('{"id":"c1","status":"pending","version":0}', id="what was true before"),
        pytest.param('{"id":"c1","status":"pending"}', id="that it was taken"),
    ],
)
def test_an_answer_that_an_event_overtook_takes_nothing_back(answer: str):
    assert ran(OVERTAKEN % answer) == ["0", "flagged"]


def test_what_waited_is_done_although_its_version_was_known_before():
    """One is a comment that was edited, and edited back before Winnow received the edit."""
    code = OVERTAKEN.replace("::$answer", "::$event = null; Client::$answer")
    code = code.replace("=> 'waiting',", "=> 'waiting', Notes::SEQUENCE => 1, Notes::WANTED => 1,")
    assert ran(code % '{"id":"c1","status":"approved","version":1}') == ["1", "approved"]


def ran(code: str) -> list[str]:
    """Return what a program prints that has the plugin, and stand-ins for the rest."""
    files = [f"require '{PLUGIN}/class-{name}.php';" for name in ("notes", "screening")]
    program = "\n".join([STAND_INS, *files])
    program = f"namespace {{ {program} }} {ASKED} namespace Trial {{ {code} }}"
    run = subprocess.run(
        ["php", "-r", program], capture_output=True, text=True, check=True, timeout=60
    )
    found: list[str] = json.loads(run.stdout)
    return found
