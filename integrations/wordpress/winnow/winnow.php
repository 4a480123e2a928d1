<?php
/**
 * Plugin Name:       Winnow
 * Description:       Your own Winnow screens new comments and reviews. What it doubts is held until a person decides, here or at Winnow's desk.
 * Version:           1.0.0
 * Requires at least: 5.9
 * Requires PHP:      7.4
 * Author:            The Winnow developers
 * License:           GPL-2.0-or-later
 * License URI:       https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:       winnow
 * Domain Path:       /languages
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

const VERSION = '1.0.0';

require_once __DIR__ . '/includes/class-settings.php';
require_once __DIR__ . '/includes/class-client.php';
require_once __DIR__ . '/includes/class-notes.php';
require_once __DIR__ . '/includes/class-lock.php';
require_once __DIR__ . '/includes/class-connection.php';
require_once __DIR__ . '/includes/class-screening.php';
require_once __DIR__ . '/includes/class-decisions.php';
require_once __DIR__ . '/includes/class-replies.php';
require_once __DIR__ . '/includes/class-receiver.php';
require_once __DIR__ . '/includes/class-schedule.php';
require_once __DIR__ . '/includes/class-history.php';
require_once __DIR__ . '/includes/class-privacy.php';
require_once __DIR__ . '/includes/class-akismet.php';
require_once __DIR__ . '/includes/class-admin.php';
require_once __DIR__ . '/includes/class-page.php';

Screening::register();
Decisions::register();
Receiver::register();
Schedule::register();
History::register();
Privacy::register();
Akismet::register();
Admin::register();
Page::register();

if ( defined( 'WP_CLI' ) && WP_CLI ) {
	require_once __DIR__ . '/includes/class-command.php';
	\WP_CLI::add_command( 'winnow', Command::class );
}

add_action(
	'init',
	function () {
		load_plugin_textdomain( 'winnow', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
	}
);

register_deactivation_hook( __FILE__, array( Schedule::class, 'clear' ) );
