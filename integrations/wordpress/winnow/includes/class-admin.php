<?php
/**
 * What moderators see in WordPress.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * A column and a filter in the list of comments, a widget on the dashboard, and notices.
 */
final class Admin {

	/**
	 * Hook in.
	 */
	public static function register() {
		add_filter( 'manage_edit-comments_columns', array( __CLASS__, 'columns' ) );
		add_action( 'manage_comments_custom_column', array( __CLASS__, 'cell' ), 10, 2 );
		add_action( 'restrict_manage_comments', array( __CLASS__, 'choice' ) );
		add_action( 'pre_get_comments', array( __CLASS__, 'filtered' ) );
		add_action( 'wp_dashboard_setup', array( __CLASS__, 'dashboard' ) );
		add_action( 'admin_notices', array( __CLASS__, 'notice' ) );
	}

	/**
	 * What a state is called.
	 *
	 * @param string $state As the notes have it.
	 * @return string
	 */
	public static function called( $state ) {
		$names = array(
			Notes::WAITING => __( 'Waits for Winnow', 'winnow' ),
			Notes::SENT    => __( 'Being screened', 'winnow' ),
			Notes::REFUSED => __( 'Not taken by Winnow', 'winnow' ),
			Notes::ERASED  => __( 'Erased in Winnow', 'winnow' ),
			'approved'     => __( 'Allowed', 'winnow' ),
			'flagged'      => __( 'Held', 'winnow' ),
			'rejected'     => __( 'Rejected', 'winnow' ),
			'spam'         => __( 'Spam', 'winnow' ),
		);
		return isset( $names[ $state ] ) ? $names[ $state ] : '';
	}

	/**
	 * Add the column.
	 *
	 * @param array $columns Those that are there.
	 * @return array
	 */
	public static function columns( $columns ) {
		if ( Settings::complete() ) {
			$columns['winnow'] = __( 'Why held', 'winnow' );
		}
		return $columns;
	}

	/**
	 * Fill a cell of the column.
	 *
	 * @param string $column Its name.
	 * @param int    $id     The comment's id.
	 */
	public static function cell( $column, $id ) {
		if ( 'winnow' !== $column ) {
			return;
		}
		$state = Notes::get( $id, Notes::STATE );
		echo '<strong>' . esc_html( self::called( $state ) ) . '</strong>';
		$reason = Notes::get( $id, Notes::REASON );
		if ( '' !== $reason ) {
			echo '<br>' . esc_html( $reason );
		}
		$known = Notes::get( $id, Notes::ID );
		$desk  = '' === $known ? '' : Settings::desk( $known );
		if ( '' !== $desk ) {
			printf( '<br><a href="%s" rel="noreferrer">%s</a>', esc_url( $desk ), esc_html__( 'See it in Winnow', 'winnow' ) );
		}
	}

	/**
	 * The state that the list is filtered by, '' for none.
	 *
	 * @return string
	 */
	private static function chosen() {
		$state = isset( $_GET['winnow_state'] ) ? sanitize_key( wp_unslash( $_GET['winnow_state'] ) ) : ''; // phpcs:ignore WordPress.Security.NonceVerification.Recommended -- only what is shown.
		return '' === self::called( $state ) ? '' : $state;
	}

	/**
	 * Show the filter above the list.
	 */
	public static function choice() {
		if ( ! Settings::complete() ) {
			return;
		}
		echo '<label class="screen-reader-text" for="winnow_state">' . esc_html__( 'Filter by what Winnow says', 'winnow' ) . '</label>';
		echo '<select id="winnow_state" name="winnow_state"><option value="">' . esc_html__( 'Winnow: all', 'winnow' ) . '</option>';
		foreach ( array( 'flagged', Notes::WAITING, Notes::SENT, Notes::REFUSED, 'approved', 'spam', 'rejected' ) as $state ) {
			printf( '<option value="%s"%s>%s</option>', esc_attr( $state ), selected( self::chosen(), $state, false ), esc_html( self::called( $state ) ) );
		}
		echo '</select>';
	}

	/**
	 * Filter the list.
	 *
	 * @param \WP_Comment_Query $query The query.
	 */
	public static function filtered( $query ) {
		global $pagenow;
		if ( is_admin() && 'edit-comments.php' === $pagenow && '' !== self::chosen() ) {
			$query->query_vars['meta_key']   = Notes::STATE; // phpcs:ignore WordPress.DB.SlowDBQuery.slow_db_query_meta_key -- on request only.
			$query->query_vars['meta_value'] = self::chosen(); // phpcs:ignore WordPress.DB.SlowDBQuery.slow_db_query_meta_value -- with the key.
			$query->meta_query               = new \WP_Meta_Query();
			$query->meta_query->parse_query_vars( $query->query_vars );
		}
	}

	/**
	 * Add the widget.
	 */
	public static function dashboard() {
		if ( Settings::complete() && current_user_can( 'moderate_comments' ) ) {
			wp_add_dashboard_widget( 'winnow', 'Winnow', array( __CLASS__, 'widget' ) );
		}
	}

	/**
	 * Show how many comments stand where, and what is wrong.
	 */
	public static function widget() {
		$counts = Notes::counts();
		echo '<ul>';
		foreach ( array( 'flagged', Notes::WAITING, Notes::SENT, Notes::REFUSED, 'approved', 'spam', 'rejected' ) as $state ) {
			$link = add_query_arg( 'winnow_state', $state, admin_url( 'edit-comments.php' ) );
			printf( '<li><a href="%s">%s: %s</a></li>', esc_url( $link ), esc_html( self::called( $state ) ), esc_html( number_format_i18n( isset( $counts[ $state ] ) ? $counts[ $state ] : 0 ) ) );
		}
		echo '</ul>';
		$desk = Settings::all()['desk'];
		if ( '' !== $desk ) {
			printf( '<p><a href="%s" rel="noreferrer">%s</a></p>', esc_url( preg_replace( '~/comments/$~', '/', $desk ) ), esc_html__( 'To Winnow\'s desk', 'winnow' ) );
		}
	}

	/**
	 * Say that comments wait because Winnow is away.
	 */
	public static function notice() {
		if ( ! Settings::complete() || ! current_user_can( 'moderate_comments' ) ) {
			return;
		}
		$why = get_transient( 'winnow_away' );
		if ( false !== $why ) {
			/* translators: %s: what is wrong. */
			echo '<div class="notice notice-warning"><p>' . esc_html( sprintf( __( 'New comments are held until Winnow is back. %s', 'winnow' ), $why ) ) . '</p></div>';
		}
	}
}
