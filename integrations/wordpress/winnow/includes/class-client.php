<?php
/**
 * Requests to Winnow's API.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Asks Winnow. A failure is a WP_Error with a code of ours:
 *
 * - winnow_away: no answer, 429 or 5xx: try again later;
 * - winnow_key: 401 or 403: the key is wrong;
 * - winnow_refused: another 4xx, for good; its data has the status and Winnow's own words.
 */
final class Client {

	const AWAY    = 'winnow_away';
	const MAX_LEN = 8388608;

	/**
	 * Send a request; return the JSON of the answer.
	 *
	 * @param string     $method  GET, POST, PUT, PATCH or DELETE.
	 * @param string     $path    Beginning with /v1/.
	 * @param array|null $body    The body.
	 * @param int        $timeout Seconds.
	 * @param array      $headers More headers.
	 * @return array|\WP_Error
	 */
	public static function ask( $method, $path, $body = null, $timeout = 10, $headers = array() ) {
		if ( ! Settings::complete() ) {
			return new \WP_Error( 'winnow_key', __( 'The address of Winnow or the site key is missing.', 'winnow' ) );
		}
		$headers['Authorization'] = 'Bearer ' . Settings::key();
		$args                     = array(
			'method'              => $method,
			'timeout'             => $timeout,
			'redirection'         => 0,
			'headers'             => $headers,
			'limit_response_size' => self::MAX_LEN,
			'user-agent'          => 'WordPress/' . get_bloginfo( 'version' ) . ' | Winnow/' . VERSION,
		);
		if ( null !== $body ) {
			$args['headers']['Content-Type'] = 'application/json';
			$args['body']                    = wp_json_encode( $body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE );
		}
		$answer = wp_remote_request( Settings::url() . $path, $args );
		if ( is_wp_error( $answer ) ) {
			/* translators: %s: what the network said, such as "connection refused". */
			return self::away( sprintf( __( 'Winnow does not answer: %s', 'winnow' ), $answer->get_error_message() ) );
		}
		$status = (int) wp_remote_retrieve_response_code( $answer );
		$json   = json_decode( wp_remote_retrieve_body( $answer ), true );
		if ( 204 === $status || ( $status >= 200 && $status < 300 && is_array( $json ) ) ) {
			if ( self::is_away() ) {
				delete_transient( 'winnow_away' ); // It is back.
			}
			return ( is_array( $json ) ? $json : array() ) + array( 'http_status' => $status );
		}
		return self::problem( $status, $json, (int) wp_remote_retrieve_header( $answer, 'retry-after' ) );
	}

	/**
	 * What an answer that is no success means.
	 *
	 * @param int   $status HTTP status.
	 * @param mixed $json   Problem details, if they are there.
	 * @param int   $retry  Retry-After, in seconds.
	 * @return \WP_Error
	 */
	private static function problem( $status, $json, $retry ) {
		$detail = is_array( $json ) && isset( $json['detail'] ) ? (string) $json['detail'] : '';
		if ( 401 === $status || 403 === $status ) {
			/* translators: %s: Winnow's own words. */
			return new \WP_Error( 'winnow_key', sprintf( __( 'Winnow does not accept the site key: %s', 'winnow' ), $detail ), array( 'status' => $status ) );
		}
		if ( is_array( $json ) && $status >= 400 && $status < 500 && 429 !== $status && 408 !== $status ) {
			return new \WP_Error( 'winnow_refused', $detail, array( 'status' => $status ) + $json );
		}
		if ( 429 !== $status && $status < 500 ) {
			/* translators: %d: HTTP status. */
			return self::away( sprintf( __( 'What answers at this address is not Winnow (HTTP %d).', 'winnow' ), $status ) );
		}
		/* translators: 1: HTTP status, 2: Winnow's own words. */
		return self::away( sprintf( __( 'Winnow is busy or in trouble (HTTP %1$d). %2$s', 'winnow' ), $status, $detail ), $retry );
	}

	/**
	 * Winnow is away: for some seconds no reader waits for it.
	 *
	 * @param string $why   In words.
	 * @param int    $retry Seconds.
	 * @return \WP_Error
	 */
	private static function away( $why, $retry = 0 ) {
		set_transient( 'winnow_away', $why, max( 15, min( 300, $retry ) ) );
		return new \WP_Error( self::AWAY, $why );
	}

	/**
	 * Whether Winnow was away within the last seconds.
	 *
	 * @return bool
	 */
	public static function is_away() {
		return false !== get_transient( 'winnow_away' );
	}
}
