<?php
/**
 * What the plugin notes about a comment, in its meta.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Notes on one comment: where it stands with Winnow.
 */
final class Notes {

	const ID       = '_winnow_id';
	const STATE    = '_winnow_state';
	const SEQUENCE = '_winnow_sequence';
	const REASON   = '_winnow_reason';
	/** Whether the blog's own rules would have published it: 1 or 0. */
	const WANTED = '_winnow_wanted';
	/** A decision made here that Winnow has not heard of yet, as JSON. */
	const DECISION = '_winnow_decision';
	/** What of the comment Winnow has: a digest, to tell an edit. */
	const DIGEST = '_winnow_digest';
	/** On a reply from Winnow's desk: its id there. */
	const REPLY = '_winnow_reply';

	/** Not with Winnow yet: it was away. */
	const WAITING = 'waiting';
	/** Winnow has it and has not said anything yet. */
	const SENT = 'sent';
	/** Winnow cannot take it: a person must look. */
	const REFUSED = 'refused';
	/** Erased in Winnow at WordPress's own request. */
	const ERASED = 'erased';

	/**
	 * Every key, for uninstallation and for the eraser.
	 *
	 * @return string[]
	 */
	public static function keys() {
		return array( self::ID, self::STATE, self::SEQUENCE, self::REASON, self::WANTED, self::DECISION, self::DIGEST, self::REPLY );
	}

	/**
	 * One note, '' for none.
	 *
	 * @param int    $comment_id WordPress's id.
	 * @param string $key        One of the constants.
	 * @return string
	 */
	public static function get( $comment_id, $key ) {
		return (string) get_comment_meta( $comment_id, $key, true );
	}

	/**
	 * Write notes; '' takes one away.
	 *
	 * @param int   $comment_id WordPress's id.
	 * @param array $notes      Values by key.
	 */
	public static function set( $comment_id, $notes ) {
		foreach ( $notes as $key => $value ) {
			if ( '' === (string) $value ) {
				delete_comment_meta( $comment_id, $key );
			} else {
				update_comment_meta( $comment_id, $key, wp_slash( (string) $value ) );
			}
		}
	}

	/**
	 * Comments that have a note with some value, the oldest first.
	 *
	 * @param string      $key   One of the constants.
	 * @param string|null $value Its value; null: any.
	 * @param int         $most  How many.
	 * @return int[]
	 */
	public static function find( $key, $value, $most ) {
		$query = array(
			'status'                    => 'any',
			'number'                    => $most,
			'orderby'                   => 'comment_ID',
			'order'                     => 'ASC',
			'fields'                    => 'ids',
			'update_comment_meta_cache' => false,
			'update_comment_post_cache' => false,
			'meta_key'                  => $key, // phpcs:ignore WordPress.DB.SlowDBQuery.slow_db_query_meta_key -- at most some dozens have it.
		);
		if ( null !== $value ) {
			$query['meta_value'] = $value; // phpcs:ignore WordPress.DB.SlowDBQuery.slow_db_query_meta_value -- with the key.
		}
		return array_map( 'intval', get_comments( $query ) );
	}

	/**
	 * How many comments stand where with Winnow.
	 *
	 * @return int[] By state.
	 */
	public static function counts() {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- a sum that no function of WordPress gives; shown to moderators only.
		$rows   = $wpdb->get_results( $wpdb->prepare( "SELECT meta_value AS state, COUNT(*) AS number FROM {$wpdb->commentmeta} WHERE meta_key = %s GROUP BY meta_value", self::STATE ) );
		$counts = array();
		foreach ( $rows as $row ) {
			$counts[ $row->state ] = (int) $row->number;
		}
		return $counts;
	}

	/**
	 * Winnow's name for a comment of this blog.
	 *
	 * Blogs of one network may share a key, and each numbers its comments from 1.
	 *
	 * @param int $comment_id WordPress's id.
	 * @return string
	 */
	public static function external_id( $comment_id ) {
		$blog = get_current_blog_id();
		return is_multisite() && $blog > 1 ? $blog . '-' . $comment_id : (string) $comment_id;
	}

	/**
	 * The comment that an event is about, 0 for none of this blog.
	 *
	 * @param array $data The event's data.
	 * @return int
	 */
	public static function comment_of( $data ) {
		$own  = isset( $data['external_id'] ) && is_string( $data['external_id'] ) ? $data['external_id'] : '';
		$blog = get_current_blog_id();
		if ( is_multisite() && $blog > 1 ) {
			$prefix = $blog . '-';
			if ( 0 !== strpos( $own, $prefix ) ) {
				return 0;
			}
			$own = substr( $own, strlen( $prefix ) );
		}
		if ( ! preg_match( '/^[1-9][0-9]{0,18}$/D', $own ) || ! get_comment( (int) $own ) ) {
			return 0;
		}
		// A database that was restored may have given the number to another comment.
		$known = self::get( (int) $own, self::ID );
		return '' === $known || $known === $data['id'] ? (int) $own : 0;
	}
}
