<?php
/**
 * How the blog and Winnow find each other.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Registers the blog's webhook endpoint with the site key, so that nobody copies a secret.
 */
final class Connection {

	const EVENTS = array( 'comment.approved', 'comment.flagged', 'comment.rejected', 'comment.spam', 'comment.revised', 'comment.erased', 'reply.requested' );

	/**
	 * Where Winnow is to send events.
	 *
	 * @return string
	 */
	public static function hook() {
		return rest_url( 'winnow/v1/events' );
	}

	/**
	 * Learn which site the key is for, and have its events sent here, signed by a new secret.
	 *
	 * An endpoint that an administrator made for this address is taken over, which is the way for
	 * a blog on a private address.
	 *
	 * @return true|\WP_Error
	 */
	public static function connect() {
		$site = self::site();
		if ( is_wp_error( $site ) ) {
			return $site;
		}
		$known = Client::ask( 'GET', '/v1/endpoints' );
		if ( is_wp_error( $known ) ) {
			return $known;
		}
		$hook = self::hook();
		foreach ( $known['items'] as $endpoint ) {
			if ( $endpoint['url'] === $hook && 'webhook' === $endpoint['kind'] ) {
				return self::take_over( $endpoint['id'] );
			}
		}
		$made = Client::ask(
			'POST',
			'/v1/endpoints',
			array(
				'url'         => $hook,
				'events'      => self::EVENTS,
				'description' => 'WordPress: ' . mb_substr( wp_specialchars_decode( get_bloginfo( 'name' ), ENT_QUOTES ), 0, 150 ),
			)
		);
		if ( is_wp_error( $made ) ) {
			return self::explained( $made );
		}
		self::keep( $made['id'], $made['secret'] );
		return true;
	}

	/**
	 * Give the endpoint a new secret; the old one is good for another day.
	 *
	 * @return true|\WP_Error
	 */
	public static function rotate() {
		$endpoint = Settings::all()['endpoint'];
		return '' === $endpoint ? self::connect() : self::take_over( $endpoint );
	}

	/**
	 * Have a test event sent here.
	 *
	 * @return true|\WP_Error
	 */
	public static function test() {
		$site = self::site();
		if ( is_wp_error( $site ) ) {
			return $site;
		}
		$endpoint = Settings::all()['endpoint'];
		if ( '' === $endpoint ) {
			return new \WP_Error( 'winnow_hook', __( 'Winnow takes comments, but this blog is not connected to hear of decisions.', 'winnow' ) );
		}
		$sent = Client::ask( 'POST', '/v1/endpoints/' . rawurlencode( $endpoint ) . '/test' );
		return is_wp_error( $sent ) ? $sent : true;
	}

	/**
	 * Ask which site the key is for.
	 *
	 * @return true|\WP_Error
	 */
	private static function site() {
		$sites = Client::ask( 'GET', '/v1/sites' );
		if ( is_wp_error( $sites ) ) {
			return $sites;
		}
		if ( ! isset( $sites['items'] ) || 1 !== count( $sites['items'] ) || 0 === strpos( Settings::key(), 'wt_' ) ) {
			return new \WP_Error( 'winnow_key', __( 'This is an administrator\'s token. Make a key for this site: ./winnow key add SITE', 'winnow' ) );
		}
		$site = $sites['items'][0];
		Settings::change(
			array(
				'site_id' => (string) $site['id'],
				'site'    => (string) $site['name'],
			)
		);
		delete_transient( 'winnow_away' );
		return true;
	}

	/**
	 * Use an endpoint that is there: a new secret, our events, enabled.
	 *
	 * @param string $id Its id.
	 * @return true|\WP_Error
	 */
	private static function take_over( $id ) {
		$path  = '/v1/endpoints/' . rawurlencode( $id );
		$fresh = Client::ask( 'POST', $path . '/rotate' );
		if ( is_wp_error( $fresh ) ) {
			return $fresh;
		}
		self::keep( $id, $fresh['secret'] );
		$changed = Client::ask(
			'PATCH',
			$path,
			array(
				'events'  => self::EVENTS,
				'enabled' => true,
			)
		);
		return is_wp_error( $changed ) ? self::explained( $changed ) : true;
	}

	/**
	 * Keep what signs the events.
	 *
	 * @param string $id     The endpoint's id.
	 * @param string $secret Its newest secret.
	 */
	private static function keep( $id, $secret ) {
		Settings::add_secret( $secret );
		Settings::change(
			array(
				'endpoint' => $id,
				'hook'     => self::hook(),
			)
		);
	}

	/**
	 * Say what to do where Winnow will not reach this blog.
	 *
	 * @param \WP_Error $problem What Winnow said.
	 * @return \WP_Error
	 */
	private static function explained( $problem ) {
		if ( 'winnow_refused' !== $problem->get_error_code() ) {
			return $problem;
		}
		return new \WP_Error(
			'winnow_hook',
			sprintf(
				/* translators: 1: Winnow's own words, 2: the site's name, 3: an address. */
				__( 'Winnow takes comments, but will not send decisions to this blog: %1$s. If both are on one machine or network, run this at Winnow and connect again: ./winnow endpoint add %2$s \'%3$s\' --allow-private. Until then the blog asks for decisions every five minutes.', 'winnow' ),
				$problem->get_error_message(),
				Settings::all()['site'],
				self::hook()
			)
		);
	}
}
