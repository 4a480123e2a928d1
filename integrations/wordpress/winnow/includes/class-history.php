<?php
/**
 * Comments from before Winnow.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Brings the blog's old comments to Winnow in batches. A batch may be repeated at any time.
 */
final class History {

	const HOOK   = 'winnow_history_batch';
	const OPTION = 'winnow_history';
	const BATCH  = 200;

	/**
	 * Hook in.
	 */
	public static function register() {
		add_action( self::HOOK, array( __CLASS__, 'run' ) );
	}

	/**
	 * How far it is.
	 *
	 * @return array
	 */
	public static function status() {
		$kept = get_option( self::OPTION, array() );
		return array_merge(
			array(
				'running'  => false,
				'cursor'   => 0,
				'last'     => 0,
				'total'    => 0,
				'new'      => 0,
				'same'     => 0,
				'conflict' => 0,
				'refused'  => 0,
				'error'    => '',
				'ran'      => 0,
			),
			is_array( $kept ) ? $kept : array()
		);
	}

	/**
	 * Begin, or begin again: comments that Winnow has are not taken twice.
	 */
	public static function start() {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- once an import.
		$last = $wpdb->get_row( "SELECT MAX(comment_ID) AS last, COUNT(*) AS total FROM {$wpdb->comments} WHERE comment_type IN ( '', 'comment', 'review' ) AND comment_approved IN ( '0', '1', 'spam', 'trash' )" );
		update_option(
			self::OPTION,
			array(
				'running' => true,
				'last'    => (int) $last->last,
				'total'   => (int) $last->total,
			),
			false
		);
		self::soon();
	}

	/**
	 * Stop after the batch that runs.
	 */
	public static function stop() {
		update_option( self::OPTION, array( 'running' => false ) + self::status(), false );
		wp_clear_scheduled_hook( self::HOOK );
	}

	/**
	 * Have the next batch run by WP-Cron.
	 *
	 * @param int $seconds From now.
	 */
	private static function soon( $seconds = 0 ) {
		if ( ! wp_next_scheduled( self::HOOK ) ) {
			wp_schedule_single_event( time() + $seconds, self::HOOK );
		}
	}

	/**
	 * Bring at least one batch, and more for some seconds, and have the next ones scheduled.
	 *
	 * @param int $seconds How long.
	 * @return true|\WP_Error
	 */
	public static function run( $seconds = 20 ) {
		$until = time() + ( $seconds ? (int) $seconds : 20 );
		do {
			$status = self::status();
			if ( ! $status['running'] || ! Settings::complete() ) {
				return true;
			}
			$done = self::batch( $status );
			if ( is_wp_error( $done ) ) {
				$status['error'] = $done->get_error_message();
				self::keep( $status );
				self::soon( MINUTE_IN_SECONDS );
				return $done;
			}
		} while ( time() < $until );
		self::soon();
		return true;
	}

	/**
	 * Bring the next comments.
	 *
	 * @param array $status How far it is.
	 * @return true|\WP_Error
	 */
	private static function batch( $status ) {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- by id, which no function of WordPress pages by.
		$rows = $wpdb->get_results( $wpdb->prepare( "SELECT * FROM {$wpdb->comments} WHERE comment_ID > %d AND comment_ID <= %d AND comment_type IN ( '', 'comment', 'review' ) AND comment_approved IN ( '0', '1', 'spam', 'trash' ) ORDER BY comment_ID LIMIT %d", $status['cursor'], $status['last'], self::BATCH ) );
		if ( ! $rows ) {
			$status['running'] = false;
			$status['error']   = '';
			self::keep( $status );
			return true;
		}
		update_meta_cache( 'comment', wp_list_pluck( $rows, 'comment_ID' ) );
		$history = array();
		$ids     = array();
		foreach ( $rows as $row ) {
			$comment          = new \WP_Comment( $row );
			$status['cursor'] = (int) $comment->comment_ID;
			if ( '' === Notes::get( (int) $comment->comment_ID, Notes::STATE ) ) {
				$history[] = self::body( $comment );
				$ids[]     = (int) $comment->comment_ID;
			}
		}
		if ( $history ) {
			$answer = Client::ask( 'POST', '/v1/history', array( 'comments' => $history ), 60 );
			if ( is_wp_error( $answer ) ) {
				return $answer;
			}
			foreach ( $answer['items'] as $number => $item ) {
				$outcome = isset( $status[ $item['outcome'] ] ) ? $item['outcome'] : 'refused';
				++$status[ $outcome ];
				self::note( $ids[ $number ], $item );
			}
		}
		$status['error'] = '';
		self::keep( $status );
		return true;
	}

	/**
	 * Keep how far it is, unless somebody stopped it meanwhile.
	 *
	 * The stop is another request's, so it is in the database and not in what this request has read.
	 *
	 * @param array $status How far it is.
	 */
	private static function keep( $status ) {
		wp_cache_delete( self::OPTION, 'options' );
		if ( self::status()['running'] ) {
			update_option( self::OPTION, array( 'ran' => time() ) + $status, false );
		}
	}

	/**
	 * Note of an old comment that Winnow has it. One that it refused stays as it is.
	 *
	 * @param int   $id   WordPress's id.
	 * @param array $item What Winnow answered.
	 */
	private static function note( $id, $item ) {
		$comment = get_comment( $id );
		if ( 'refused' === $item['outcome'] || 'conflict' === $item['outcome'] || ! $comment ) {
			return;
		}
		Notes::set(
			$id,
			array(
				Notes::ID     => $item['id'],
				Notes::STATE  => $item['status'],
				Notes::DIGEST => Screening::digest( $comment ),
			)
		);
	}

	/**
	 * An old comment as Winnow takes it: with its time, and with what the blog decided.
	 *
	 * @param \WP_Comment $comment The comment.
	 * @return array
	 */
	private static function body( $comment ) {
		$statuses = array(
			'1'     => 'approved',
			'0'     => 'pending',
			'spam'  => 'spam',
			'trash' => 'rejected',
		);
		$body     = Screening::body( $comment );
		$time     = isset( $body['submitted_at'] ) ? $body['submitted_at'] : Screening::time( $comment->comment_date );
		unset( $body['submitted_at'] );
		return $body + array(
			'created_at' => $time ? $time : '1970-01-01T00:00:00Z',
			'status'     => $statuses[ $comment->comment_approved ],
		);
	}
}
