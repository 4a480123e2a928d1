<?php
/**
 * The command line: wp winnow.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Screens comments with your own Winnow.
 */
final class Command {

	/**
	 * Says whether Winnow answers, and how many comments stand where.
	 */
	public function status() {
		$tested = Connection::test();
		foreach ( Notes::counts() as $state => $number ) {
			\WP_CLI::log( sprintf( '%s: %d', $state, $number ) );
		}
		$history = History::status();
		\WP_CLI::log( sprintf( 'history: %d of %d, %s', $history['new'] + $history['same'], $history['total'], $history['running'] ? 'running' : 'not running' ) );
		if ( is_wp_error( $tested ) ) {
			\WP_CLI::error( $tested->get_error_message() );
		}
		\WP_CLI::success( 'Winnow answers: ' . Settings::all()['site'] );
	}

	/**
	 * Brings to Winnow what waits, and reads the outcome of the rest: what WP-Cron does every five minutes.
	 */
	public function check() {
		$done = Schedule::run( 300 );
		if ( is_wp_error( $done ) ) {
			\WP_CLI::error( $done->get_error_message() );
		}
		\WP_CLI::success( 'Done.' );
	}

	/**
	 * Has comments screened again: one that is held, or one that Winnow could not take.
	 *
	 * ## OPTIONS
	 *
	 * <id>...
	 * : Ids of comments.
	 *
	 * @param string[] $ids The comments' ids.
	 */
	public function recheck( $ids ) {
		foreach ( $ids as $id ) {
			$id    = (int) $id;
			$known = Notes::get( $id, Notes::ID );
			$done  = '' !== $known && 'flagged' === Notes::get( $id, Notes::STATE )
				? Client::ask( 'POST', '/v1/comments/' . rawurlencode( $known ) . '/retry' )
				: Screening::send( $id, Screening::VERDICT_SECONDS );
			if ( is_wp_error( $done ) ) {
				\WP_CLI::warning( $id . ': ' . $done->get_error_message() );
			} else {
				\WP_CLI::log( $id . ': ' . Notes::get( $id, Notes::STATE ) );
			}
		}
	}

	/**
	 * Sends the comments from before Winnow, in batches, and waits for the end.
	 */
	public function import() {
		if ( ! History::status()['running'] ) {
			History::start();
		}
		while ( History::status()['running'] ) {
			$done   = History::run( 10 );
			$status = History::status();
			\WP_CLI::log( sprintf( '%d new, %d there already, %d not taken, of %d', $status['new'], $status['same'], $status['refused'] + $status['conflict'], $status['total'] ) );
			if ( is_wp_error( $done ) ) {
				\WP_CLI::error( $done->get_error_message() . ' Run it again: it goes on where it was.' );
			}
		}
		\WP_CLI::success( 'Done.' );
	}
}
