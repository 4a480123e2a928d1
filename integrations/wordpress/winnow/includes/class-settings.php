<?php
/**
 * What an administrator sets, and what the plugin learned when it connected.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Settings of one blog. Constants in wp-config.php win: WINNOW_URL and WINNOW_KEY.
 */
final class Settings {

	const OPTION = 'winnow_settings';

	/**
	 * Everything that is kept, with defaults.
	 *
	 * @return array
	 */
	public static function all() {
		$kept = get_option( self::OPTION, array() );
		return array_merge(
			array(
				'url'      => '',
				'key'      => '',
				'site_id'  => '',
				'site'     => '',
				'endpoint' => '',
				'hook'     => '',
				'desk'     => '',
				'secrets'  => array(),
			),
			is_array( $kept ) ? $kept : array()
		);
	}

	/**
	 * Change some of it.
	 *
	 * @param array $changes New values by name.
	 */
	public static function change( $changes ) {
		update_option( self::OPTION, array_merge( self::all(), $changes ), false );
	}

	/**
	 * The address of Winnow, without a slash at the end.
	 *
	 * @return string
	 */
	public static function url() {
		$url = defined( 'WINNOW_URL' ) ? WINNOW_URL : self::all()['url'];
		return rtrim( (string) $url, '/' );
	}

	/**
	 * Whether the key goes in clear to another machine.
	 *
	 * @return bool
	 */
	public static function is_unencrypted() {
		$parts = wp_parse_url( self::url() );
		if ( ! isset( $parts['scheme'], $parts['host'] ) || 'http' !== strtolower( $parts['scheme'] ) ) {
			return false;
		}
		return ! preg_match( '/^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/iD', $parts['host'] );
	}

	/**
	 * The site's key.
	 *
	 * @return string
	 */
	public static function key() {
		return (string) ( defined( 'WINNOW_KEY' ) ? WINNOW_KEY : self::all()['key'] );
	}

	/**
	 * Whether there is a Winnow to ask.
	 *
	 * @return bool
	 */
	public static function complete() {
		return '' !== self::url() && '' !== self::key();
	}

	/**
	 * The secrets that may sign an event now: the newest first, an old one for a day.
	 *
	 * @return string[]
	 */
	public static function secrets() {
		$good = array();
		foreach ( self::all()['secrets'] as $secret ) {
			if ( empty( $secret['until'] ) || $secret['until'] > time() ) {
				$good[] = $secret['value'];
			}
		}
		return $good;
	}

	/**
	 * Keep a new secret; those before it are good for another day.
	 *
	 * @param string $value The secret, whsec_...
	 */
	public static function add_secret( $value ) {
		$secrets = array(
			array(
				'value' => $value,
				'until' => 0,
			),
		);
		foreach ( self::all()['secrets'] as $old ) {
			if ( $old['value'] !== $value && ( empty( $old['until'] ) || $old['until'] > time() ) ) {
				$old['until'] = $old['until'] ? $old['until'] : time() + DAY_IN_SECONDS;
				$secrets[]    = $old;
			}
		}
		self::change( array( 'secrets' => array_slice( $secrets, 0, 3 ) ) );
	}

	/**
	 * Where a moderator sees a comment in Winnow, '' while that is not known.
	 *
	 * @param string $winnow_id Winnow's id of it.
	 * @return string
	 */
	public static function desk( $winnow_id ) {
		$desk = self::all()['desk'];
		return '' === $desk ? '' : $desk . rawurlencode( $winnow_id );
	}

	/**
	 * Learn the desk's address from the links of an answer.
	 *
	 * @param array $answer A comment as Winnow tells it.
	 */
	public static function learn_desk( $answer ) {
		$link = isset( $answer['links']['desk'] ) ? (string) $answer['links']['desk'] : '';
		$id   = isset( $answer['id'] ) ? (string) $answer['id'] : '';
		if ( '' === $id || substr( $link, -strlen( $id ) ) !== $id ) {
			return;
		}
		$desk = substr( $link, 0, -strlen( $id ) );
		if ( preg_match( '~^https?://~', $desk ) && self::all()['desk'] !== $desk ) {
			self::change( array( 'desk' => $desk ) );
		}
	}
}
