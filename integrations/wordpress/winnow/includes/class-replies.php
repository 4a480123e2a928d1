<?php
/**
 * Replies that moderators write at Winnow's desk.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Publishes a reply under its comment, once, as a user of this blog.
 */
final class Replies {

	/** Characters of a reply, at most. */
	const LONGEST = 5000;
	/** Seconds for which a reply waits for its comment to be published. */
	const PATIENCE = 600;
	/** Seconds after which one that a crash cut off may be tried again. */
	const HELD_FOR = 60;

	/**
	 * Publish a reply; return false if it must come again later.
	 *
	 * Under a comment that is not published it is held: a moderator sees it here, and nothing is lost.
	 *
	 * @param array $event As a webhook or the feed tells it.
	 * @return bool
	 */
	public static function requested( $event ) {
		$data  = $event['data'];
		$reply = isset( $data['reply'] ) && is_array( $data['reply'] ) ? $data['reply'] : array();
		if ( ! isset( $data['id'], $data['site_id'], $reply['id'], $reply['text'] ) || ! is_string( $data['id'] ) || ! is_string( $reply['id'] ) || ! is_string( $reply['text'] ) || Settings::all()['site_id'] !== $data['site_id'] ) {
			return true;
		}
		$id   = Notes::comment_of( $data );
		$text = trim( mb_substr( $reply['text'], 0, self::LONGEST ) );
		if ( ! $id || '' === $text || ! preg_match( '/^[0-9a-zA-Z-]{1,80}$/D', $reply['id'] ) ) {
			return true;
		}
		// A webhook and the feed may bring it in the same moment: one of them looks and publishes, then the other.
		$lock = 'reply_' . $reply['id'];
		if ( ! Lock::take( $lock, self::HELD_FOR ) ) {
			return false;
		}
		try {
			return self::is_there( $id, $reply['id'] ) || self::publish( $event, $id, $text );
		} finally {
			Lock::release( $lock );
		}
	}

	/**
	 * Publish a reply that is not there yet; return false if it must come again later.
	 *
	 * @param array  $event As a webhook or the feed tells it.
	 * @param int    $id    The comment that it is under.
	 * @param string $text  Its text.
	 * @return bool
	 */
	private static function publish( $event, $id, $text ) {
		$reply = $event['data']['reply'];
		$shown = 'approved' === wp_get_comment_status( $id );
		$at    = isset( $event['timestamp'] ) ? strtotime( (string) $event['timestamp'] ) : 0;
		if ( ! $shown && 'unapproved' === wp_get_comment_status( $id ) && $at && time() - $at < self::PATIENCE ) {
			return false; // Its approval may still be under way.
		}
		$name = isset( $reply['author']['name'] ) ? (string) $reply['author']['name'] : '';
		return self::insert( get_comment( $id ), $reply['id'], $text, $name, $shown );
	}

	/**
	 * Whether a reply was published already.
	 *
	 * @param int    $id    The comment that it is under.
	 * @param string $reply The reply's id.
	 * @return bool
	 */
	private static function is_there( $id, $reply ) {
		$found = get_comments(
			array(
				'parent'     => $id,
				'status'     => 'any',
				'number'     => 1,
				'fields'     => 'ids',
				'meta_key'   => Notes::REPLY, // phpcs:ignore WordPress.DB.SlowDBQuery.slow_db_query_meta_key -- among the replies to one comment.
				'meta_value' => $reply, // phpcs:ignore WordPress.DB.SlowDBQuery.slow_db_query_meta_value -- with the key.
			)
		);
		return (bool) $found;
	}

	/**
	 * Insert the reply.
	 *
	 * @param \WP_Comment $parent The comment that it is under.
	 * @param string      $reply  The reply's id.
	 * @param string      $text   Its text, without markup.
	 * @param string      $name   The moderator's name in Winnow.
	 * @param bool        $shown  Whether it is published.
	 * @return bool
	 */
	private static function insert( $parent, $reply, $text, $name, $shown ) {
		$user    = self::user( $parent, $name );
		$comment = array(
			'comment_post_ID'      => (int) $parent->comment_post_ID,
			'comment_parent'       => (int) $parent->comment_ID,
			'comment_content'      => esc_html( $text ),
			'comment_approved'     => $shown ? 1 : 0,
			'comment_type'         => 'comment',
			'user_id'              => $user ? (int) $user->ID : 0,
			'comment_author'       => $user ? $user->display_name : get_bloginfo( 'name' ),
			'comment_author_email' => $user ? $user->user_email : '',
			'comment_author_url'   => $user ? $user->user_url : '',
			'comment_meta'         => array( Notes::REPLY => $reply ),
		);
		return (bool) wp_insert_comment( wp_slash( $comment ) );
	}

	/**
	 * Who replies: the user with the moderator's name, else the blog's administrator, else the post's author.
	 *
	 * @param \WP_Comment $parent The comment that is replied to.
	 * @param string      $name   The moderator's name in Winnow.
	 * @return \WP_User|false
	 */
	private static function user( $parent, $name ) {
		$post  = get_post( (int) $parent->comment_post_ID );
		$found = array(
			'' === $name ? false : get_user_by( 'login', $name ),
			get_user_by( 'email', get_option( 'admin_email' ) ),
			$post ? get_userdata( (int) $post->post_author ) : false,
		);
		$user  = false;
		foreach ( $found as $one ) {
			if ( ! $user && $one && user_can( $one, 'moderate_comments' ) ) {
				$user = $one;
			}
		}
		/**
		 * The user as whom a reply from Winnow's desk is published; false for the blog's name.
		 *
		 * @param \WP_User|false $user   The user.
		 * @param string         $name   The moderator's name in Winnow.
		 * @param \WP_Comment    $parent The comment that is replied to.
		 */
		return apply_filters( 'winnow_replier', $user, $name, $parent );
	}
}
