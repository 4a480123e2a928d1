<?php
/**
 * The settings page: Settings > Winnow.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Address, key, test, history.
 */
final class Page {

	const NONCE = 'winnow_settings';

	/**
	 * Hook in.
	 */
	public static function register() {
		add_action(
			'admin_menu',
			function () {
				add_options_page( 'Winnow', 'Winnow', 'manage_options', 'winnow', array( __CLASS__, 'show' ) );
			}
		);
		add_action( 'admin_post_winnow', array( __CLASS__, 'submitted' ) );
		add_filter(
			'plugin_action_links_' . plugin_basename( dirname( __DIR__ ) . '/winnow.php' ),
			function ( $links ) {
				$links[] = '<a href="' . esc_url( self::url() ) . '">' . esc_html__( 'Settings', 'winnow' ) . '</a>';
				return $links;
			}
		);
	}

	/**
	 * The page's address.
	 *
	 * @return string
	 */
	public static function url() {
		return admin_url( 'options-general.php?page=winnow' );
	}

	/**
	 * Take a form of the page, and go back to it with a word on the outcome.
	 */
	public static function submitted() {
		if ( ! current_user_can( 'manage_options' ) ) {
			wp_die( esc_html__( 'You may not change this.', 'winnow' ), 403 );
		}
		check_admin_referer( self::NONCE );
		$act = isset( $_POST['act'] ) ? sanitize_key( wp_unslash( $_POST['act'] ) ) : '';
		switch ( $act ) {
			case 'save':
				$said = self::save();
				break;
			case 'test':
				$said = self::said( Connection::test(), __( 'Winnow knows this site. A test event is on its way; reload this page to see when it arrived.', 'winnow' ) );
				break;
			case 'connect':
				$said = self::said( Connection::connect(), __( 'Connected.', 'winnow' ) );
				break;
			case 'rotate':
				$said = self::said( Connection::rotate(), __( 'There is a new secret; the old one is good for another day.', 'winnow' ) );
				break;
			case 'import':
				History::start();
				$said = array( 'success', __( 'The import runs in the background.', 'winnow' ) );
				break;
			case 'stop':
				History::stop();
				$said = array( 'success', __( 'The import is stopped.', 'winnow' ) );
				break;
			default:
				$said = array( 'error', __( 'Nothing was done.', 'winnow' ) );
		}
		set_transient( 'winnow_said_' . get_current_user_id(), $said, 60 );
		wp_safe_redirect( self::url() );
		exit;
	}

	/**
	 * Keep address and key, and connect.
	 *
	 * @return array Kind and words.
	 */
	private static function save() {
		// phpcs:disable WordPress.Security.NonceVerification.Missing -- checked by submitted().
		$url = isset( $_POST['url'] ) ? esc_url_raw( trim( wp_unslash( $_POST['url'] ) ), array( 'http', 'https' ) ) : ''; // phpcs:ignore WordPress.Security.ValidatedSanitizedInput.InputNotSanitized -- esc_url_raw does.
		$key = isset( $_POST['key'] ) ? sanitize_text_field( wp_unslash( $_POST['key'] ) ) : '';
		// phpcs:enable
		$old     = Settings::all();
		$changes = array(
			'url' => rtrim( $url, '/' ),
			'key' => '' === $key ? $old['key'] : $key, // The field is left empty to keep the key.
		);
		if ( $changes['url'] !== $old['url'] || $changes['key'] !== $old['key'] ) {
			$changes += array(
				'site_id'  => '',
				'site'     => '',
				'endpoint' => '',
				'hook'     => '',
				'desk'     => '',
				'secrets'  => array(),
			);
			update_option( Receiver::FEED, '', false );
		}
		Settings::change( $changes );
		delete_transient( 'winnow_away' );
		return self::said( Connection::connect(), __( 'Saved and connected. New comments are screened from now on.', 'winnow' ) );
	}

	/**
	 * What to say of an outcome.
	 *
	 * @param true|\WP_Error $outcome The outcome.
	 * @param string         $good    What to say if it went well.
	 * @return array Kind and words.
	 */
	private static function said( $outcome, $good ) {
		if ( is_wp_error( $outcome ) ) {
			return array( 'winnow_hook' === $outcome->get_error_code() ? 'warning' : 'error', $outcome->get_error_message() );
		}
		return array( 'success', $good );
	}

	/**
	 * Show the page.
	 */
	public static function show() {
		$settings = Settings::all();
		$said     = get_transient( 'winnow_said_' . get_current_user_id() );
		echo '<div class="wrap"><h1>Winnow</h1>';
		if ( is_array( $said ) ) {
			delete_transient( 'winnow_said_' . get_current_user_id() );
			printf( '<div class="notice notice-%s"><p>%s</p></div>', esc_attr( $said[0] ), esc_html( $said[1] ) );
		}
		self::begin( 'save' );
		echo '<table class="form-table" role="presentation"><tr><th scope="row"><label for="winnow-url">' . esc_html__( 'Address of your Winnow', 'winnow' ) . '</label></th><td>';
		printf( '<input name="url" id="winnow-url" type="url" class="regular-text" placeholder="https://winnow.example" value="%s"%s>', esc_attr( Settings::url() ), defined( 'WINNOW_URL' ) ? ' readonly' : '' );
		if ( Settings::is_unencrypted() ) {
			echo '<p class="description"><strong>' . esc_html__( 'The connection to this address is not encrypted: whoever can read the network between WordPress and Winnow reads the site key and the comments. Use https://, unless that network is yours alone.', 'winnow' ) . '</strong></p>';
		}
		echo '</td></tr><tr><th scope="row"><label for="winnow-key">' . esc_html__( 'Site key', 'winnow' ) . '</label></th><td>';
		printf( '<input name="key" id="winnow-key" type="password" autocomplete="off" class="regular-text" placeholder="%s"%s>', esc_attr( '' === Settings::key() ? 'wk_…' : __( 'kept; type another to change it', 'winnow' ) ), defined( 'WINNOW_KEY' ) ? ' readonly' : '' );
		echo '<p class="description">' . esc_html__( 'Made at Winnow: ./winnow key add SITE. Constants WINNOW_URL and WINNOW_KEY in wp-config.php win over both.', 'winnow' ) . '</p></td></tr></table>';
		submit_button( __( 'Save and connect', 'winnow' ) );
		echo '</form>';
		if ( Settings::complete() ) {
			self::connection( $settings );
			self::history();
		}
		echo '</div>';
	}

	/**
	 * Begin a form.
	 *
	 * @param string $act What it does.
	 */
	private static function begin( $act ) {
		printf( '<form method="post" action="%s"><input type="hidden" name="action" value="winnow"><input type="hidden" name="act" value="%s">', esc_url( admin_url( 'admin-post.php' ) ), esc_attr( $act ) );
		wp_nonce_field( self::NONCE );
	}

	/**
	 * A form of one button.
	 *
	 * @param string $act  What it does.
	 * @param string $name What is on it.
	 */
	private static function button( $act, $name ) {
		self::begin( $act );
		submit_button( $name, 'secondary', 'submit-' . $act, false );
		echo '</form> ';
	}

	/**
	 * Show how the blog is connected.
	 *
	 * @param array $settings All that is kept.
	 */
	private static function connection( $settings ) {
		echo '<h2>' . esc_html__( 'Connection', 'winnow' ) . '</h2>';
		if ( '' === $settings['site_id'] ) {
			echo '<p>' . esc_html__( 'Not connected yet: new comments are held.', 'winnow' ) . '</p>';
		} else {
			/* translators: %s: the site's name in Winnow. */
			echo '<p>' . esc_html( sprintf( __( 'Site in Winnow: %s', 'winnow' ), $settings['site'] ) ) . '</p>';
			$tested = (int) get_option( 'winnow_tested', 0 );
			if ( '' === $settings['endpoint'] ) {
				echo '<p>' . esc_html__( 'Decisions made at Winnow arrive within five minutes.', 'winnow' ) . '</p>';
			} elseif ( $tested ) {
				/* translators: %s: a time. */
				echo '<p>' . esc_html( sprintf( __( 'The last test event arrived on %s.', 'winnow' ), wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), $tested ) ) ) . '</p>';
			}
		}
		self::button( 'test', __( 'Test', 'winnow' ) );
		self::button( 'connect', __( 'Connect again', 'winnow' ) );
		self::button( 'rotate', __( 'New secret', 'winnow' ) );
	}

	/**
	 * Show how far the import of old comments is. While it runs, each look at the page brings a batch.
	 */
	private static function history() {
		$status = History::status();
		echo '<h2>' . esc_html__( 'Comments from before', 'winnow' ) . '</h2><p>' . esc_html__( 'Winnow may learn from what you published and threw away so far. Nothing changes here, and it can be repeated.', 'winnow' ) . '</p>';
		if ( $status['total'] ) {
			/* translators: 1: new, 2: here already, 3: not taken, 4: of how many. */
			echo '<p>' . esc_html( sprintf( __( '%1$d taken, %2$d there already, %3$d not taken, of %4$d.', 'winnow' ), $status['new'], $status['same'], $status['refused'] + $status['conflict'], $status['total'] ) ) . '</p>';
		}
		if ( '' !== $status['error'] ) {
			echo '<p>' . esc_html( $status['error'] ) . '</p>';
		}
		if ( $status['running'] ) {
			echo '<meta http-equiv="refresh" content="10">';
			self::button( 'stop', __( 'Stop', 'winnow' ) );
			if ( time() - $status['ran'] >= 5 ) {
				add_action(
					'shutdown',
					function () {
						History::run( 5 );
					}
				);
			}
		} else {
			self::button( 'import', __( 'Send old comments', 'winnow' ) );
		}
	}
}
