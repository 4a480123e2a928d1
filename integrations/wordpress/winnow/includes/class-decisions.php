<?php
/**
 * Send to Winnow what moderators decide in WordPress.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Sends decisions at the end of a request, and again by the schedule until Winnow has them.
 */
final class Decisions {

	/** Seconds that a moderator's request may take longer because of Winnow. */
	const SECONDS = 4;

	/**
	 * Comments decided in this request.
	 *
	 * @var int[]
	 */
	private static $decided = array();

	/**
	 * Hook in.
	 */
	public static function register() {
		add_action( 'transition_comment_status', array( __CLASS__, 'moved' ), 10, 3 );
		add_action( 'shutdown', array( __CLASS__, 'flush' ) );
	}

	/**
	 * Note a change of status that a person made. What Winnow itself asked for is none.
	 *
	 * @param string      $new_status The status now.
	 * @param string      $old_status The status before.
	 * @param \WP_Comment $comment    The comment.
	 */
	public static function moved( $new_status, $old_status, $comment ) {
		if ( Screening::$applying || $new_status === $old_status ) {
			return;
		}
		$id       = (int) $comment->comment_ID;
		$state    = Notes::get( $id, Notes::STATE );
		$by_shell = defined( 'WP_CLI' ) && WP_CLI && ! wp_doing_cron();
		if ( '' === $state || Notes::ERASED === $state || ! ( $by_shell || current_user_can( 'moderate_comments' ) || current_user_can( 'edit_comment', $id ) ) ) {
			return;
		}
		self::note( $id, Screening::decision_of( $new_status ) );
	}

	/**
	 * Note a decision until Winnow has it.
	 *
	 * @param int    $id       The comment's id.
	 * @param string $decision approve, reject or spam; '' for none.
	 */
	public static function note( $id, $decision ) {
		if ( '' === $decision ) {
			Notes::set( $id, array( Notes::DECISION => '' ) );
			return;
		}
		$user = wp_get_current_user();
		$name = $user && $user->exists() ? $user->user_login : 'wp-cli';
		Notes::set(
			$id,
			array(
				Notes::DECISION => wp_json_encode(
					array(
						'decision'  => $decision,
						'moderator' => mb_substr( $name, 0, 200 ),
					)
				),
			)
		);
		self::$decided[ $id ] = $id;
	}

	/**
	 * Tell what was decided in this request, as far as time allows.
	 */
	public static function flush() {
		$until = time() + self::SECONDS;
		foreach ( self::$decided as $id ) {
			if ( time() >= $until || Client::is_away() || is_wp_error( self::tell( $id ) ) ) {
				break; // The schedule tells the rest.
			}
		}
		self::$decided = array();
	}

	/**
	 * Tell Winnow what was decided on a comment.
	 *
	 * @param int $id Its id.
	 * @return true|\WP_Error
	 */
	public static function tell( $id ) {
		$decision = json_decode( Notes::get( $id, Notes::DECISION ), true );
		if ( ! is_array( $decision ) ) {
			return true;
		}
		if ( '' === Notes::get( $id, Notes::ID ) || Notes::WAITING === Notes::get( $id, Notes::STATE ) ) {
			$sent = Screening::send( $id, 0 ); // Winnow must have the comment first.
			if ( is_wp_error( $sent ) ) {
				return self::given_up( $id, $sent );
			}
		}
		$path   = '/v1/comments/' . rawurlencode( Notes::get( $id, Notes::ID ) ) . '/decision';
		$answer = Client::ask( 'POST', $path, $decision + array( 'reason' => 'wordpress' ), 3 );
		if ( is_wp_error( $answer ) ) {
			return self::given_up( $id, $answer );
		}
		// The event of this decision has this number, and tells nothing new here.
		Notes::set(
			$id,
			array(
				Notes::DECISION => '',
				Notes::SEQUENCE => (string) $answer['version'],
				Notes::STATE    => $answer['status'],
			)
		);
		return true;
	}

	/**
	 * Keep a decision for later, unless Winnow refused it for good: it stands so there, or is erased.
	 *
	 * @param int       $id      The comment's id.
	 * @param \WP_Error $problem What Winnow said.
	 * @return true|\WP_Error
	 */
	private static function given_up( $id, $problem ) {
		if ( 'winnow_refused' !== $problem->get_error_code() ) {
			return $problem;
		}
		Notes::set( $id, array( Notes::DECISION => '' ) );
		return true;
	}
}
