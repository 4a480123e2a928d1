<?php
/**
 * What one request at a time may do.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * A lock for all requests of this blog: a row of the options table, as WordPress's own updates use it.
 *
 * No add_option(): that writes over a row that another request added meanwhile.
 */
final class Lock {

	/**
	 * Take a lock, if nobody holds it. One that was left by a crash is free after some seconds.
	 *
	 * @param string $name    Its name, of 100 characters at most.
	 * @param int    $seconds How long it may be held.
	 * @return bool
	 */
	public static function take( $name, $seconds ) {
		require_once ABSPATH . 'wp-admin/includes/class-wp-upgrader.php';
		return (bool) \WP_Upgrader::create_lock( 'winnow_' . $name, $seconds );
	}

	/**
	 * Take a lock as soon as it is free.
	 *
	 * @param string $name     Its name.
	 * @param int    $seconds  How long it may be held.
	 * @param float  $patience Seconds to wait for it.
	 * @return bool Whether it is taken.
	 */
	public static function wait_for( $name, $seconds, $patience ) {
		$until = microtime( true ) + $patience;
		while ( ! self::take( $name, $seconds ) ) {
			if ( microtime( true ) >= $until ) {
				return false;
			}
			usleep( 20000 );
		}
		return true;
	}

	/**
	 * Give a lock back.
	 *
	 * @param string $name Its name.
	 */
	public static function release( $name ) {
		\WP_Upgrader::release_lock( 'winnow_' . $name );
	}
}
