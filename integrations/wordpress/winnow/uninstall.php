<?php
/**
 * Leaves nothing behind: settings, notes on comments, schedules, and the endpoint at Winnow.
 *
 * Comments stay where they are: what is held stays held.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

require_once __DIR__ . '/includes/class-settings.php';
require_once __DIR__ . '/includes/class-client.php';
require_once __DIR__ . '/includes/class-notes.php';

const VERSION = 'uninstall';

/**
 * Clean up one blog.
 */
function clean_up() {
	$endpoint = Settings::all()['endpoint'];
	if ( '' !== $endpoint && Settings::complete() ) {
		Client::ask( 'DELETE', '/v1/endpoints/' . rawurlencode( $endpoint ), null, 3 );
	}
	foreach ( Notes::keys() as $key ) {
		delete_metadata( 'comment', 0, $key, '', true );
	}
	foreach ( array( Settings::OPTION, 'winnow_history', 'winnow_feed', 'winnow_ran', 'winnow_lock', 'winnow_tested' ) as $option ) {
		delete_option( $option );
	}
	global $wpdb;
	// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- locks that a crash left: no function of WordPress finds them.
	$wpdb->query( $wpdb->prepare( "DELETE FROM {$wpdb->options} WHERE option_name LIKE %s", $wpdb->esc_like( 'winnow_' ) . '%.lock' ) );
	delete_transient( 'winnow_away' );
	wp_clear_scheduled_hook( 'winnow_every_five_minutes' );
	wp_clear_scheduled_hook( 'winnow_history_batch' );
}

if ( is_multisite() ) {
	foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $winnow_blog ) { // phpcs:ignore WordPress.Arrays.ArrayDeclarationSpacing.AssociativeArrayFound -- one line.
		switch_to_blog( $winnow_blog );
		clean_up();
		restore_current_blog();
	}
} else {
	clean_up();
}
