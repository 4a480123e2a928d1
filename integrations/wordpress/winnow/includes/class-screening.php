<?php
/**
 * New comments and edits: held, sent, and published where Winnow allows them.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Holds what readers write until Winnow or a person has said something.
 */
final class Screening {

	/** Seconds that a reader waits for the verdict, and for Winnow at all. */
	const VERDICT_SECONDS = 2;
	const ANSWER_SECONDS  = 5;
	/** Seconds after which a comment that a crash left locked may be moved again. */
	const HELD_FOR = 60;

	/**
	 * Whether a change of status is our own doing, and no person's decision.
	 *
	 * @var bool
	 */
	public static $applying = false;

	/**
	 * The comment that was held and is not inserted yet: its post, and whether the blog would publish it.
	 *
	 * @var array|null
	 */
	private static $held = null;

	/**
	 * Hook in.
	 */
	public static function register() {
		add_filter( 'pre_comment_approved', array( __CLASS__, 'hold' ), PHP_INT_MAX, 2 );
		add_action( 'wp_insert_comment', array( __CLASS__, 'inserted' ), 1, 2 );
		// Before WordPress's own e-mails, which say where the comment stands.
		add_action( 'comment_post', array( __CLASS__, 'posted' ), 1 );
		add_action( 'rest_after_insert_comment', array( __CLASS__, 'posted_by_rest' ), 1, 3 );
		add_action( 'edit_comment', array( __CLASS__, 'edited' ), 10, 1 );
	}

	/**
	 * Hold a comment that readers write. What the blog itself calls spam stays spam, unsent.
	 *
	 * @param int|string|\WP_Error $approved What the blog's rules and other plugins say.
	 * @param array                $comment  The comment, slashed.
	 * @return int|string|\WP_Error
	 */
	public static function hold( $approved, $comment ) {
		self::$held = null;
		if ( is_wp_error( $approved ) || 'spam' === $approved || 'trash' === $approved || ! self::concerns( $comment ) ) {
			return $approved;
		}
		self::$held = array(
			'post'   => (int) $comment['comment_post_ID'],
			'wanted' => 1 === (int) $approved ? 1 : 0,
		);
		return 0;
	}

	/**
	 * Whether a comment is for Winnow: a reader's, of a kind that readers write.
	 *
	 * @param array $comment Its columns.
	 * @return bool
	 */
	public static function concerns( $comment ) {
		$user = 0;
		foreach ( array( 'user_id', 'user_ID' ) as $name ) {
			$user = empty( $comment[ $name ] ) ? $user : (int) $comment[ $name ];
		}
		$type  = isset( $comment['comment_type'] ) ? (string) $comment['comment_type'] : '';
		$types = apply_filters( 'winnow_comment_types', array( '', 'comment', 'review', 'pingback', 'trackback' ) );
		return Settings::complete() && in_array( $type, $types, true ) && ! ( $user && user_can( $user, 'moderate_comments' ) );
	}

	/**
	 * Note of an inserted comment that it waits. Imports and notes of plugins were never held.
	 *
	 * @param int         $id      Its id.
	 * @param \WP_Comment $comment The comment.
	 */
	public static function inserted( $id, $comment ) {
		$held = self::$held;
		if ( null === $held || (int) $comment->comment_post_ID !== $held['post'] ) {
			return;
		}
		self::$held = null;
		Notes::set(
			$id,
			array(
				Notes::STATE  => Notes::WAITING,
				Notes::WANTED => $held['wanted'],
			)
		);
		if ( '1' === (string) $comment->comment_approved ) { // The person who did that did not ask Winnow.
			self::move( $id, 'hold' );
		}
	}

	/**
	 * Send a comment that came by a form, by XML-RPC or as a pingback.
	 *
	 * @param int $id Its id.
	 */
	public static function posted( $id ) {
		if ( Notes::WAITING !== Notes::get( $id, Notes::STATE ) || Client::is_away() ) {
			return;
		}
		self::send( $id, self::VERDICT_SECONDS );
		if ( 'approved' === wp_get_comment_status( $id ) ) {
			// Approving it has notified the post's author already.
			remove_action( 'comment_post', 'wp_new_comment_notify_postauthor' );
		}
	}

	/**
	 * Send a comment that came by the REST API.
	 *
	 * @param \WP_Comment      $comment  The comment.
	 * @param \WP_REST_Request $request  The request.
	 * @param bool             $creating Whether it is new.
	 */
	public static function posted_by_rest( $comment, $request, $creating ) {
		if ( $creating ) {
			self::posted( (int) $comment->comment_ID );
			$now                       = get_comment( $comment->comment_ID );
			$comment->comment_approved = $now->comment_approved; // The answer is made of this object.
		}
	}

	/**
	 * Send an edited comment again. One that a reader edits is held meanwhile.
	 *
	 * @param int $id Its id.
	 */
	public static function edited( $id ) {
		$state   = Notes::get( $id, Notes::STATE );
		$comment = get_comment( $id );
		if ( self::$applying || '' === $state || Notes::ERASED === $state || ! $comment || self::digest( $comment ) === Notes::get( $id, Notes::DIGEST ) ) {
			return;
		}
		Notes::set( $id, array( Notes::STATE => Notes::WAITING ) );
		$by_moderator = current_user_can( 'moderate_comments' ) || ( defined( 'WP_CLI' ) && WP_CLI );
		if ( $by_moderator ) {
			Decisions::note( $id, self::decision_of( $comment->comment_approved ) );
		} elseif ( '1' === $comment->comment_approved ) {
			Notes::set( $id, array( Notes::WANTED => 1 ) );
			self::move( $id, 'hold' );
		}
		if ( ! Client::is_away() ) {
			self::send( $id, 0 );
		}
	}

	/**
	 * What a status of WordPress means as a decision, '' for none.
	 *
	 * @param string $status As in comment_approved, or as transition_comment_status tells it.
	 * @return string
	 */
	public static function decision_of( $status ) {
		$known = array(
			'1'        => 'approve',
			'approved' => 'approve',
			'spam'     => 'spam',
			'trash'    => 'reject',
		);
		return isset( $known[ (string) $status ] ) ? $known[ (string) $status ] : '';
	}

	/**
	 * Bring a comment to Winnow, or ask for its outcome, and do here what Winnow says.
	 *
	 * @param int $id      Its id.
	 * @param int $seconds How long to wait for the verdict; 0: not at all.
	 * @return true|\WP_Error
	 */
	public static function send( $id, $seconds ) {
		$comment = get_comment( $id );
		if ( ! $comment ) {
			return true;
		}
		$digest = self::digest( $comment );
		$known  = Notes::get( $id, Notes::ID );
		$before = Notes::get( $id, Notes::SEQUENCE );
		if ( '' !== $known ) {
			$same   = $digest === Notes::get( $id, Notes::DIGEST );
			$path   = '/v1/comments/' . rawurlencode( $known );
			$answer = $same ? Client::ask( 'GET', $path ) : Client::ask( 'PUT', $path, self::body( $comment ), self::ANSWER_SECONDS );
		} else {
			$headers = $seconds ? array( 'Prefer' => 'wait=' . $seconds ) : array();
			$answer  = Client::ask( 'POST', '/v1/comments', self::body( $comment ), self::ANSWER_SECONDS, $headers );
			if ( is_wp_error( $answer ) && self::is_conflict( $answer ) ) {
				$known  = (string) $answer->get_error_data()['comment_id'];
				$answer = Client::ask( 'PUT', '/v1/comments/' . rawurlencode( $known ), self::body( $comment ), self::ANSWER_SECONDS );
			}
		}
		if ( is_wp_error( $answer ) ) {
			return self::failed( $id, $answer );
		}
		Settings::learn_desk( $answer );
		$notes = array(
			Notes::ID     => $answer['id'],
			Notes::DIGEST => $digest,
		);
		wp_cache_delete( $id, 'comment_meta' );
		if ( isset( $answer['version'] ) ) {
			Notes::set( $id, $notes );
			self::apply( $id, $answer );
		} elseif ( Notes::get( $id, Notes::SEQUENCE ) === $before ) {
			Notes::set( $id, $notes + array( Notes::STATE => Notes::SENT, Notes::REASON => '' ) ); // phpcs:ignore WordPress.Arrays.ArrayDeclarationSpacing.AssociativeArrayFound -- one line.
		} else {
			Notes::set( $id, $notes ); // An event overtook this answer.
		}
		return true;
	}

	/**
	 * Whether Winnow knows the id with other content, such as before an edit that did not reach it.
	 *
	 * @param \WP_Error $problem What Winnow said.
	 * @return bool
	 */
	private static function is_conflict( $problem ) {
		$data = $problem->get_error_data();
		return is_array( $data ) && 409 === $data['status'] && ! empty( $data['comment_id'] );
	}

	/**
	 * Keep a comment held, with the reason.
	 *
	 * @param int       $id      Its id.
	 * @param \WP_Error $problem Why Winnow did not take it.
	 * @return \WP_Error
	 */
	private static function failed( $id, $problem ) {
		$final = 'winnow_refused' === $problem->get_error_code();
		Notes::set(
			$id,
			array(
				Notes::STATE  => $final ? Notes::REFUSED : Notes::WAITING,
				Notes::REASON => self::cut( $problem->get_error_message(), 500 ),
			)
		);
		return $problem;
	}

	/**
	 * Do here what Winnow says of a comment, unless something newer is known.
	 *
	 * An answer and an event may bring the same in the same moment. The second one waits until the
	 * comment is where the first one moves it: what a reader and WordPress's e-mails say is true then.
	 *
	 * @param int   $id   WordPress's id.
	 * @param array $answer What Winnow says: id, status, version, reasons, and history where it is known.
	 */
	public static function apply( $id, $answer ) {
		$lock  = 'comment_' . (int) $id;
		$taken = Lock::wait_for( $lock, self::HELD_FOR, self::VERDICT_SECONDS );
		try {
			self::apply_alone( $id, $answer );
		} finally {
			if ( $taken ) {
				Lock::release( $lock );
			}
			clean_comment_cache( $id );
		}
	}

	/**
	 * Do what Winnow says of a comment, while no other request does.
	 *
	 * @param int   $id   WordPress's id.
	 * @param array $answer What Winnow says.
	 */
	private static function apply_alone( $id, $answer ) {
		clean_comment_cache( $id );
		wp_cache_delete( $id, 'comment_meta' ); // An event may have arrived while a reader waited.
		$version = (int) $answer['version'];
		$known   = Notes::get( $id, Notes::SEQUENCE );
		$open    = in_array( Notes::get( $id, Notes::STATE ), array( Notes::SENT, Notes::WAITING ), true );
		if ( '' !== $known && ( $version < (int) $known || ( $version === (int) $known && ! $open ) ) ) {
			return;
		}
		$notes = array(
			Notes::ID       => $answer['id'],
			Notes::SEQUENCE => $version,
		);
		if ( '' !== Notes::get( $id, Notes::DECISION ) ) {
			Notes::set( $id, $notes ); // A person decided here meanwhile; the decision is sent to Winnow.
			return;
		}
		$pending               = 'pending' === $answer['status'];
		$notes[ Notes::STATE ] = $pending ? Notes::SENT : $answer['status'];
		if ( ! $pending ) {
			$notes[ Notes::REASON ] = self::reasons( $answer );
		}
		Notes::set( $id, $notes );
		$comment = get_comment( $id );
		if ( $comment ) {
			self::publish_or_not( $comment, $answer );
		}
	}

	/**
	 * Take over the text that a moderator gave a comment in Winnow.
	 *
	 * A text that was edited here since stays: the edit is sent to Winnow.
	 *
	 * @param int   $id      WordPress's id.
	 * @param array $comment The comment as Winnow tells it.
	 */
	public static function take_text( $id, $comment ) {
		if ( empty( $comment['revised'] ) || ! isset( $comment['content'] ) || '' === $comment['content'] ) {
			return;
		}
		clean_comment_cache( $id );
		$here = get_comment( $id );
		$sent = Notes::get( $id, Notes::DIGEST );
		if ( ! $here || $here->comment_content === $comment['content'] || ( '' !== $sent && self::digest( $here ) !== $sent ) ) {
			return;
		}
		$before         = self::$applying;
		self::$applying = true;
		try {
			wp_update_comment(
				array(
					'comment_ID'      => $id,
					'comment_content' => wp_slash( $comment['content'] ),
				)
			);
		} finally {
			self::$applying = $before;
		}
		clean_comment_cache( $id );
		Notes::set( $id, array( Notes::DIGEST => self::digest( get_comment( $id ) ) ) );
	}

	/**
	 * Move a comment to where Winnow has it.
	 *
	 * @param \WP_Comment $comment The comment.
	 * @param array       $answer  What Winnow says.
	 */
	private static function publish_or_not( $comment, $answer ) {
		$now = (string) $comment->comment_approved;
		$id  = (int) $comment->comment_ID;
		switch ( $answer['status'] ) {
			case 'approved':
				$sent = Notes::get( $id, Notes::DIGEST );
				if ( '' !== $sent && self::digest( $comment ) !== $sent ) {
					Notes::set( $id, array( Notes::STATE => Notes::WAITING ) ); // Edited since: nobody has read this text.
					break;
				}
				$wanted = '0' !== Notes::get( $id, Notes::WANTED );
				if ( '1' !== $now && 'post-trashed' !== $now && ( $wanted || self::by_person( $answer ) ) ) {
					self::move( $id, 'approve' );
				}
				break;
			case 'flagged':
				if ( '1' === $now ) {
					self::move( $id, 'hold' );
				}
				break;
			case 'spam':
				if ( 'spam' !== $now && 'trash' !== $now ) {
					self::move( $id, 'spam' );
				}
				break;
			case 'rejected':
				if ( 'spam' !== $now && 'trash' !== $now ) {
					// Without days in the trash WordPress would delete it for good.
					self::move( $id, EMPTY_TRASH_DAYS ? 'trash' : 'spam' );
				}
				break;
		}
	}

	/**
	 * Whether a person decided last, whose word goes over the blog's own rules.
	 *
	 * @param array $answer A comment as Winnow tells it, with its history.
	 * @return bool
	 */
	private static function by_person( $answer ) {
		$last = empty( $answer['history'] ) ? array() : end( $answer['history'] );
		$kind = isset( $last['by']['kind'] ) ? $last['by']['kind'] : '';
		return in_array( $kind, array( 'moderator', 'operator', 'token', 'blog' ), true );
	}

	/**
	 * Change a comment's status as the machine's doing, not as a person's decision.
	 *
	 * @param int    $id     Its id.
	 * @param string $status approve, hold, spam or trash.
	 */
	private static function move( $id, $status ) {
		$before         = self::$applying;
		self::$applying = true;
		try {
			if ( 'spam' === $status ) {
				wp_spam_comment( $id );
			} elseif ( 'trash' === $status ) {
				wp_trash_comment( $id );
			} else {
				wp_set_comment_status( $id, $status );
				delete_comment_meta( $id, '_wp_trash_meta_status' );
				delete_comment_meta( $id, '_wp_trash_meta_time' );
			}
		} finally {
			self::$applying = $before;
		}
	}

	/**
	 * Winnow's reasons in a line.
	 *
	 * @param array $answer A comment as Winnow tells it.
	 * @return string
	 */
	private static function reasons( $answer ) {
		$texts = array();
		foreach ( isset( $answer['reasons'] ) ? (array) $answer['reasons'] : array() as $reason ) {
			$texts[] = isset( $reason['text'] ) ? (string) $reason['text'] : '';
		}
		return self::cut( implode( '; ', array_filter( $texts ) ), 500 );
	}

	/**
	 * A comment as Winnow takes it.
	 *
	 * @param \WP_Comment $comment The comment.
	 * @return array
	 */
	public static function body( $comment ) {
		$post   = get_post( (int) $comment->comment_post_ID );
		$user   = $comment->user_id ? get_userdata( (int) $comment->user_id ) : false;
		$parent = (int) $comment->comment_parent;
		$body   = array(
			'external_id'  => Notes::external_id( (int) $comment->comment_ID ),
			'content'      => (string) $comment->comment_content,
			'author'       => array(
				'name'       => self::cut( $comment->comment_author, 200 ),
				'email'      => self::cut( $comment->comment_author_email, 320 ),
				'url'        => self::cut( $comment->comment_author_url, 2000 ),
				'ip'         => filter_var( $comment->comment_author_IP, FILTER_VALIDATE_IP ) ? $comment->comment_author_IP : '',
				'user_agent' => self::cut( $comment->comment_agent, 1000 ),
				'role'       => self::cut( $user ? implode( ',', $user->roles ) : '', 200 ),
			),
			'post'         => array(
				'url'      => $post ? self::cut( get_permalink( $post ), 2000 ) : '',
				'title'    => $post ? self::cut( wp_specialchars_decode( get_the_title( $post ), ENT_QUOTES ), 500 ) : '',
				'language' => self::cut( get_bloginfo( 'language' ), 35 ),
			),
			'parent'       => $parent ? Notes::external_id( $parent ) : '',
			'submitted_at' => self::time( $comment->comment_date_gmt ),
		);
		if ( $post && self::time( $post->post_date_gmt ) ) {
			$body['post']['published_at'] = self::time( $post->post_date_gmt );
		}
		if ( null === $body['submitted_at'] ) {
			unset( $body['submitted_at'] );
		}
		return $body;
	}

	/**
	 * A time of the database as RFC 3339, null for none.
	 *
	 * @param string $gmt As the database has it.
	 * @return string|null
	 */
	public static function time( $gmt ) {
		return preg_match( '/^(?!0000)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/D', (string) $gmt ) ? str_replace( ' ', 'T', $gmt ) . 'Z' : null;
	}

	/**
	 * What tells an edit of a comment.
	 *
	 * @param \WP_Comment $comment The comment.
	 * @return string
	 */
	public static function digest( $comment ) {
		return md5( wp_json_encode( array( $comment->comment_content, $comment->comment_author, $comment->comment_author_email, $comment->comment_author_url ) ) );
	}

	/**
	 * The beginning of a text.
	 *
	 * @param string $text    The text.
	 * @param int    $longest In characters.
	 * @return string
	 */
	private static function cut( $text, $longest ) {
		return mb_substr( (string) $text, 0, $longest );
	}
}
