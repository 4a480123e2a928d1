<?php
/**
 * WordPress's own tools for personal data reach Winnow, too.
 *
 * @package Winnow
 */

namespace Winnow\Plugin;

defined( 'ABSPATH' ) || exit;

/**
 * Exporter, eraser, and a text for the policy page.
 */
final class Privacy {

	/**
	 * Hook in.
	 */
	public static function register() {
		add_filter( 'wp_privacy_personal_data_exporters', array( __CLASS__, 'exporters' ) );
		add_filter( 'wp_privacy_personal_data_erasers', array( __CLASS__, 'erasers' ), PHP_INT_MAX );
		add_action( 'admin_init', array( __CLASS__, 'policy' ) );
	}

	/**
	 * Add our exporter.
	 *
	 * @param array $exporters Those that are known.
	 * @return array
	 */
	public static function exporters( $exporters ) {
		$exporters['winnow'] = array(
			'exporter_friendly_name' => __( 'Comments kept by Winnow', 'winnow' ),
			'callback'               => array( __CLASS__, 'export' ),
		);
		return $exporters;
	}

	/**
	 * Add our eraser, before WordPress's own, which takes the address away that ours goes by.
	 *
	 * @param array $erasers Those that are known.
	 * @return array
	 */
	public static function erasers( $erasers ) {
		return array(
			'winnow' => array(
				'eraser_friendly_name' => __( 'Comments kept by Winnow', 'winnow' ),
				'callback'             => array( __CLASS__, 'erase' ),
			),
		) + $erasers;
	}

	/**
	 * Everything that Winnow keeps of an author. Raises what WordPress shows when Winnow is away.
	 *
	 * @param string $email Whose.
	 * @return array|\WP_Error
	 */
	public static function export( $email ) {
		$data = array();
		if ( ! Settings::complete() ) {
			return array(
				'data' => $data,
				'done' => true,
			);
		}
		$cursor = '';
		do {
			$path = '/v1/authors/comments?email=' . rawurlencode( $email ) . ( '' === $cursor ? '' : '&cursor=' . rawurlencode( $cursor ) );
			$page = Client::ask( 'GET', $path, null, 30 );
			if ( is_wp_error( $page ) ) {
				return $page;
			}
			foreach ( $page['items'] as $comment ) {
				$data[] = self::exported( $comment );
			}
			$cursor = (string) $page['next'];
		} while ( '' !== $cursor );
		return array(
			'data' => $data,
			'done' => true,
		);
	}

	/**
	 * One comment as WordPress's export shows it.
	 *
	 * @param array $comment As Winnow tells it.
	 * @return array
	 */
	private static function exported( $comment ) {
		$shown = array(
			__( 'Comment', 'winnow' )    => $comment['content'],
			__( 'Name', 'winnow' )       => $comment['author']['name'],
			__( 'E-mail', 'winnow' )     => $comment['author']['email'],
			__( 'Address', 'winnow' )    => $comment['author']['ip'],
			__( 'Browser', 'winnow' )    => $comment['author']['user_agent'],
			__( 'Sent', 'winnow' )       => $comment['created_at'],
			__( 'Status', 'winnow' )     => $comment['status'],
			__( 'Scores', 'winnow' )     => wp_json_encode( $comment['scores'] ),
			__( 'Reasons', 'winnow' )    => implode( '; ', wp_list_pluck( $comment['reasons'], 'text' ) ),
			__( 'Discussion', 'winnow' ) => $comment['post']['url'],
		);
		$data  = array();
		foreach ( $shown as $name => $value ) {
			if ( '' !== (string) $value && 'null' !== $value ) {
				$data[] = array(
					'name'  => $name,
					'value' => esc_html( (string) $value ),
				);
			}
		}
		return array(
			'group_id'    => 'winnow',
			'group_label' => __( 'Comments kept by Winnow', 'winnow' ),
			'item_id'     => 'winnow-' . $comment['id'],
			'data'        => $data,
		);
	}

	/**
	 * Have Winnow forget an author. What is published here is WordPress's own eraser's to anonymise.
	 *
	 * @param string $email Whose.
	 * @return array|\WP_Error
	 */
	public static function erase( $email ) {
		$result = array(
			'items_removed'  => false,
			'items_retained' => false,
			'messages'       => array(),
			'done'           => true,
		);
		if ( ! Settings::complete() ) {
			return $result;
		}
		$own = get_comments(
			array(
				'author_email' => $email,
				'status'       => 'any',
				'fields'       => 'ids',
				'meta_key'     => Notes::STATE, // phpcs:ignore WordPress.DB.SlowDBQuery.slow_db_query_meta_key -- of one author.
			)
		);
		foreach ( $own as $id ) { // So that the events of this erasure unpublish nothing here.
			foreach ( Notes::keys() as $key ) {
				delete_comment_meta( (int) $id, $key );
			}
			Notes::set( (int) $id, array( Notes::STATE => Notes::ERASED ) );
		}
		$erased = Client::ask( 'POST', '/v1/authors/erase', array( 'email' => $email ), 30 );
		if ( is_wp_error( $erased ) ) {
			return new \WP_Error(
				'winnow_erase',
				/* translators: %s: what is wrong. */
				sprintf( __( 'Winnow has not erased this person\'s comments. Try again: %s', 'winnow' ), $erased->get_error_message() )
			);
		}
		$result['items_removed'] = $erased['erased'] > 0;
		$result['done']          = ! isset( $erased['done'] ) || $erased['done']; // Else WordPress asks again, and Winnow goes on.
		return $result;
	}

	/**
	 * Suggest what the policy page should say.
	 */
	public static function policy() {
		if ( function_exists( 'wp_add_privacy_policy_content' ) ) {
			wp_add_privacy_policy_content(
				'Winnow',
				wp_kses_post( '<p>' . __( 'When visitors leave comments we send the comment, the name, e-mail address, website, IP address and browser given with it to Winnow, a program that we run ourselves, which looks for spam and abuse. It keeps them as long as we have set there, and forgets them when we erase a person\'s data.', 'winnow' ) . '</p>' )
			);
		}
	}
}
