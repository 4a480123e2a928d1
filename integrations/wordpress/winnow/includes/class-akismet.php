<?php
/**
 * Beside Akismet's plugin.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Akismet's plugin may go on: what it calls spam is not sent to Winnow. It no longer publishes by itself.
 */
final class Akismet {

	/**
	 * Hook in.
	 */
	public static function register() {
		add_action( 'init', array( __CLASS__, 'alone' ), PHP_INT_MAX );
		add_action( 'akismet_approval_fallback', array( __CLASS__, 'guard' ), 0 );
		add_action( 'admin_notices', array( __CLASS__, 'notice' ) );
	}

	/**
	 * Whether the must-use file is there, which sends what Akismet's plugin asks to Winnow.
	 *
	 * @return bool
	 */
	private static function is_redirected() {
		return function_exists( 'Winnow\redirect' );
	}

	/**
	 * Do no work twice: with the must-use file Akismet's check would be Winnow's, too.
	 */
	public static function alone() {
		if ( Settings::complete() && self::is_redirected() ) {
			remove_filter( 'preprocess_comment', array( 'Akismet', 'auto_check_comment' ), 1 );
			remove_filter( 'rest_pre_insert_comment', array( 'Akismet', 'rest_auto_check_comment' ), 1 );
		}
	}

	/**
	 * Keep Akismet's plugin from publishing after some time what nobody decided.
	 *
	 * @param int $id The comment's id.
	 */
	public static function guard( $id ) {
		remove_action( 'akismet_approval_fallback', array( 'Akismet', 'approval_fallback' ) );
		if ( 'approved' === Notes::get( (int) $id, Notes::STATE ) || '' === Notes::get( (int) $id, Notes::STATE ) && ! Settings::complete() ) {
			add_action( 'akismet_approval_fallback', array( 'Akismet', 'approval_fallback' ), 10, 3 );
		}
	}

	/**
	 * Say that the must-use file is one too many.
	 */
	public static function notice() {
		if ( self::is_redirected() && Settings::complete() && current_user_can( 'manage_options' ) ) {
			echo '<div class="notice notice-warning"><p>' . esc_html__( 'The Winnow plugin does what wp-content/mu-plugins/winnow.php did. Delete that file; Akismet\'s plugin may stay or go.', 'winnow' ) . '</p></div>';
		}
	}
}
