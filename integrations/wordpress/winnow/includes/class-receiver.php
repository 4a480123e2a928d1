<?php
/**
 * Events from Winnow, by webhook and by feed.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Receives signed events (Standard Webhooks v1) and does here what they say.
 */
final class Receiver {

	/** Seconds that the two clocks may differ. */
	const TOLERANCE = 300;
	/** Winnow leaves out the comment where a body would be longer than 20 kB. */
	const LONGEST = 65536;
	const FEED    = 'winnow_feed';

	/**
	 * Hook in.
	 */
	public static function register() {
		add_action(
			'rest_api_init',
			function () {
				register_rest_route(
					'winnow/v1',
					'/events',
					array(
						'methods'             => 'POST',
						'callback'            => array( __CLASS__, 'receive' ),
						'permission_callback' => '__return_true', // The signature is the permission; the callback checks it.
					)
				);
			}
		);
	}

	/**
	 * Take one event. Answers nothing to a caller who cannot sign.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function receive( $request ) {
		$body = (string) $request->get_body();
		if ( ! self::is_signed( $request, $body ) ) {
			return new \WP_Error( 'winnow_signature', 'Not signed by Winnow.', array( 'status' => 401 ) );
		}
		$event = json_decode( $body, true, 32 );
		if ( ! is_array( $event ) || ! isset( $event['type'], $event['data'] ) || ! is_string( $event['type'] ) || ! is_array( $event['data'] ) ) {
			return new \WP_Error( 'winnow_event', 'Not an event.', array( 'status' => 400 ) );
		}
		if ( 'winnow.test' === $event['type'] ) {
			update_option( 'winnow_tested', time(), false );
		} elseif ( ! self::happened( $event ) ) {
			return new \WP_Error( 'winnow_later', 'Try again later.', array( 'status' => 503 ) );
		}
		return new \WP_REST_Response( null, 204 );
	}

	/**
	 * Whether a request has an id, a time near ours, and a signature over both and the raw body.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @param string           $body    Its body as it came.
	 * @return bool
	 */
	private static function is_signed( $request, $body ) {
		$id   = (string) $request->get_header( 'webhook-id' );
		$at   = (string) $request->get_header( 'webhook-timestamp' );
		$list = (string) $request->get_header( 'webhook-signature' );
		if ( strlen( $body ) > self::LONGEST || strlen( $list ) > 1000 || ! preg_match( '/^[A-Za-z0-9_-]{1,100}$/D', $id ) || ! preg_match( '/^[0-9]{1,12}$/D', $at ) || abs( time() - (int) $at ) > self::TOLERANCE ) {
			return false;
		}
		$good = false;
		foreach ( Settings::secrets() as $secret ) {
			$key = base64_decode( preg_replace( '/^whsec_/', '', $secret ), true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_decode -- how Standard Webhooks writes keys.
			if ( ! is_string( $key ) || strlen( $key ) < 24 ) {
				continue;
			}
			$mine = 'v1,' . base64_encode( hash_hmac( 'sha256', $id . '.' . $at . '.' . $body, $key, true ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode -- and signatures.
			foreach ( array_slice( explode( ' ', $list ), 0, 10 ) as $theirs ) {
				$good = hash_equals( $mine, $theirs ) || $good;
			}
		}
		return $good;
	}

	/**
	 * Do what an event says; return false if it must come again later.
	 *
	 * @param array $event As a webhook or the feed tells it.
	 * @return bool
	 */
	public static function happened( $event ) {
		if ( 'reply.requested' === $event['type'] ) {
			return Replies::requested( $event );
		}
		$data = $event['data'];
		if ( ! isset( $data['id'], $data['sequence'], $data['status'], $data['site_id'] ) || Settings::all()['site_id'] !== $data['site_id'] || ! is_string( $data['id'] ) || ! is_int( $data['sequence'] ) ) {
			return true;
		}
		$id    = Notes::comment_of( $data );
		$known = $id ? Notes::get( $id, Notes::SEQUENCE ) : '';
		if ( ! $id || ( '' !== $known && $data['sequence'] <= (int) $known ) ) {
			return true;
		}
		switch ( $event['type'] ) {
			case 'comment.approved':
			case 'comment.flagged':
			case 'comment.spam':
			case 'comment.rejected':
				return self::decided( $id, $data );
			case 'comment.revised':
				return self::revised( $id, $data );
			case 'comment.erased':
				self::erased( $id, $data );
		}
		return true;
	}

	/**
	 * Move a comment as Winnow says.
	 *
	 * @param int   $id   WordPress's id.
	 * @param array $data The event's data.
	 * @return bool
	 */
	private static function decided( $id, $data ) {
		$comment = array(
			'id'      => $data['id'],
			'status'  => $data['status'],
			'version' => $data['sequence'],
			'reasons' => isset( $data['comment']['reasons'] ) ? $data['comment']['reasons'] : array(),
		);
		$approved = 'approved' === $data['status'];
		// The event of a new text may still be under way, or this body too short to have it.
		$revised = ! isset( $data['comment'] ) || ! empty( $data['comment']['revised'] );
		// The blog's own rules hold it: only a person's word publishes it. The event does not say whose it is.
		$unwanted = '0' === Notes::get( $id, Notes::WANTED );
		if ( $approved && ( $unwanted || $revised ) ) {
			$comment = self::asked( $data['id'] );
			if ( is_wp_error( $comment ) ) {
				return 'winnow_refused' === $comment->get_error_code();
			}
			Screening::take_text( $id, $comment );
		}
		Screening::apply( $id, $comment );
		return true;
	}

	/**
	 * A comment as Winnow has it now.
	 *
	 * @param string $id Winnow's id.
	 * @return array|\WP_Error
	 */
	private static function asked( $id ) {
		return Client::ask( 'GET', '/v1/comments/' . rawurlencode( $id ), null, 5 );
	}

	/**
	 * A moderator changed a comment's text in Winnow: show the new one here.
	 *
	 * @param int   $id   WordPress's id.
	 * @param array $data The event's data.
	 * @return bool
	 */
	private static function revised( $id, $data ) {
		$comment = self::asked( $data['id'] );
		if ( is_wp_error( $comment ) ) {
			return 'winnow_refused' === $comment->get_error_code();
		}
		Screening::take_text( $id, $comment );
		Notes::set( $id, array( Notes::SEQUENCE => (string) $data['sequence'] ) );
		return true;
	}

	/**
	 * A comment was erased in Winnow: unpublish it here, unless WordPress asked for that erasure.
	 *
	 * @param int   $id   WordPress's id.
	 * @param array $data The event's data.
	 */
	private static function erased( $id, $data ) {
		if ( Notes::ERASED === Notes::get( $id, Notes::STATE ) ) {
			return;
		}
		Screening::apply( $id, array( 'status' => 'rejected', 'version' => $data['sequence'], 'id' => $data['id'] ) ); // phpcs:ignore WordPress.Arrays.ArrayDeclarationSpacing.AssociativeArrayFound -- one line.
	}

	/**
	 * Read the feed: what webhooks did not bring.
	 *
	 * @param int $until When to stop, in Unix seconds.
	 * @return true|\WP_Error
	 */
	public static function catch_up( $until ) {
		while ( time() < $until ) {
			$after = (string) get_option( self::FEED, '' );
			$query = '?limit=200' . ( '' === $after ? '' : '&after=' . rawurlencode( $after ) );
			$page  = Client::ask( 'GET', '/v1/events' . $query );
			if ( is_wp_error( $page ) ) {
				$data = $page->get_error_data();
				if ( ! is_array( $data ) || 410 !== $data['status'] || '' === $after ) {
					return $page;
				}
				update_option( self::FEED, '', false ); // Older than what is kept: from the oldest on.
				continue;
			}
			foreach ( $page['items'] as $event ) {
				if ( ! self::happened( $event ) ) {
					return new \WP_Error( Client::AWAY, __( 'Winnow does not answer.', 'winnow' ) );
				}
				update_option( self::FEED, (string) $event['cursor'], false );
			}
			if ( ! $page['items'] ) {
				break;
			}
		}
		return true;
	}
}
