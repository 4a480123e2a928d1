<?php
/**
 * What runs every five minutes: whatever could not be done at once.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Retries by WP-Cron and, where that is off and nothing else calls it, when a moderator looks in.
 */
final class Schedule {

	const HOOK  = 'winnow_every_five_minutes';
	const RAN   = 'winnow_ran';
	const LOCK  = 'schedule';
	const BATCH = 100;

	/**
	 * Hook in.
	 */
	public static function register() {
		add_filter( 'cron_schedules', array( __CLASS__, 'intervals' ) ); // phpcs:ignore WordPress.WP.CronInterval.CronSchedulesInterval -- five minutes, for comments that wait.
		add_action( self::HOOK, array( __CLASS__, 'run' ) );
		add_action( 'init', array( __CLASS__, 'ensure' ) );
		add_action( 'admin_init', array( __CLASS__, 'run_if_cron_is_off' ) );
	}

	/**
	 * Add our interval.
	 *
	 * @param array $intervals Those that are known.
	 * @return array
	 */
	public static function intervals( $intervals ) {
		$intervals['winnow_five_minutes'] = array(
			'interval' => 5 * MINUTE_IN_SECONDS,
			'display'  => 'Winnow',
		);
		return $intervals;
	}

	/**
	 * See that the event is scheduled; needs no activation, so that it serves every blog of a network.
	 */
	public static function ensure() {
		if ( Settings::complete() && ! wp_next_scheduled( self::HOOK ) ) {
			wp_schedule_event( time() + MINUTE_IN_SECONDS, 'winnow_five_minutes', self::HOOK );
		}
	}

	/**
	 * Take our events out.
	 */
	public static function clear() {
		wp_clear_scheduled_hook( self::HOOK );
		wp_clear_scheduled_hook( History::HOOK );
	}

	/**
	 * Run after the page where nothing has run for a quarter of an hour.
	 */
	public static function run_if_cron_is_off() {
		if ( Settings::complete() && current_user_can( 'moderate_comments' ) && time() - (int) get_option( self::RAN, 0 ) > 15 * MINUTE_IN_SECONDS ) {
			add_action(
				'shutdown',
				function () {
					self::run( 5 );
				}
			);
		}
	}

	/**
	 * Bring to Winnow what waits, tell decisions, and read the outcome of the rest.
	 *
	 * @param int $seconds How long it may take.
	 * @return true|\WP_Error What went wrong first, if anything did.
	 */
	public static function run( $seconds = 25 ) {
		$until = time() + ( $seconds ? (int) $seconds : 25 );
		if ( ! Settings::complete() || ! Lock::take( self::LOCK, 5 * MINUTE_IN_SECONDS ) ) {
			return true;
		}
		update_option( self::RAN, time(), false );
		try {
			$done = self::work( $until );
		} finally {
			Lock::release( self::LOCK );
		}
		return $done;
	}

	/**
	 * The work itself.
	 *
	 * @param int $until When to stop, in Unix seconds.
	 * @return true|\WP_Error
	 */
	private static function work( $until ) {
		$settings = Settings::all();
		if ( '' === $settings['site_id'] || Connection::hook() !== $settings['hook'] ) {
			$connected = Connection::connect();
			if ( is_wp_error( $connected ) && 'winnow_hook' !== $connected->get_error_code() ) {
				return $connected;
			}
		}
		foreach ( Notes::find( Notes::STATE, Notes::WAITING, self::BATCH ) as $id ) {
			$sent = time() < $until ? Screening::send( $id, 0 ) : true;
			if ( is_wp_error( $sent ) && 'winnow_refused' !== $sent->get_error_code() ) {
				return $sent;
			}
		}
		foreach ( Notes::find( Notes::DECISION, null, self::BATCH ) as $id ) {
			$sent = time() < $until ? Decisions::tell( $id ) : true;
			if ( is_wp_error( $sent ) ) {
				return $sent;
			}
		}
		return Receiver::catch_up( $until );
	}
}
