<?php
/**
 * Plugin Name: Winnow
 * Description: Akismet's plugin asks your own Winnow instead of akismet.com, and what your moderators decide there is done here.
 * License: MIT
 *
 * Put this file into wp-content/mu-plugins/ and three lines into wp-config.php:
 *
 *     define( 'WINNOW_URL', 'https://winnow.example' );      // where your Winnow answers
 *     define( 'WPCOM_API_KEY', '0123456789ab' );             // ./winnow key add SITE --kind door
 *     define( 'WINNOW_WEBHOOK_SECRET', 'whsec_...' );        // ./winnow endpoint add SITE URL
 */

namespace Winnow;

const AKISMET = 'rest.akismet.com';

// 1. Whatever is meant for Akismet goes to Winnow, and to nobody else.

add_filter( 'pre_http_request', __NAMESPACE__ . '\redirect', 10, 3 );

function redirect( $answer, $args, $url ) {
	$host = strtolower( $args['headers']['Host'] ?? (string) wp_parse_url( $url, PHP_URL_HOST ) );
	if ( AKISMET !== $host && ! str_ends_with( $host, '.' . AKISMET ) ) {
		return $answer;
	}
	if ( ! defined( 'WINNOW_URL' ) ) {
		return new \WP_Error( 'winnow', 'WINNOW_URL is not set in wp-config.php' );
	}
	$path = rtrim( WINNOW_URL, '/' ) . wp_parse_url( $url, PHP_URL_PATH );
	parse_str( (string) wp_parse_url( $url, PHP_URL_QUERY ), $query );
	if ( AKISMET !== $host ) { // Akismet's plugin before 5.0.2 puts the key there.
		$query['api_key'] = substr( $host, 0, -strlen( '.' . AKISMET ) );
	}
	unset( $args['headers']['Host'] );
	$answer = wp_remote_request( $query ? $path . '?' . http_build_query( $query ) : $path, $args );
	if ( str_ends_with( $path, '/comment-check' ) ) {
		parse_str( (string) $args['body'], $asked );
		checked( (string) wp_remote_retrieve_header( $answer, 'x-akismet-guid' ), (int) ( $asked['comment_ID'] ?? 0 ) );
	}
	return $answer;
}

// 2. Each comment remembers under which id Winnow knows it.

add_action( 'wp_insert_comment', fn( $comment_id ) => checked( '', $comment_id ) );

// A new comment is checked before it has a number; one that is checked again has it.
function checked( $guid, $comment_id ) {
	static $waiting = '';
	$guid    = $guid ? $guid : $waiting;
	$waiting = $comment_id ? '' : $guid;
	if ( $guid && $comment_id ) {
		update_comment_meta( $comment_id, 'winnow_guid', $guid );
	}
}

// 3. A moderator who publishes a held comment here has decided it there, too. (That a comment is
// spam, or is not, Akismet's plugin tells by itself.)

add_action( 'transition_comment_status', __NAMESPACE__ . '\tell', 10, 3 );

function tell( $new, $old, $comment ) {
	$held = 'unapproved' === $old && 'approved' === $new && get_comment_meta( $comment->comment_ID, 'winnow_guid', true );
	if ( $held && class_exists( 'Akismet' ) && current_user_can( 'moderate_comments' ) ) {
		\Akismet::submit_nonspam_comment( $comment->comment_ID );
	}
}

// 4. Nothing is published for lack of an answer. From 5.5 on Akismet's plugin approves by itself what it
// holds, some time after the check: that is taken out, and what is scheduled already does nothing.

add_action(
	'init', // Akismet's plugin adds its own at priority 10.
	function () {
		remove_all_actions( 'akismet_approval_fallback' );
	},
	PHP_INT_MAX
);

// 5. What a moderator decides in Winnow comes as a webhook, signed after Standard Webhooks v1.

add_action(
	'rest_api_init',
	fn() => register_rest_route(
		'winnow/v1',
		'/webhook',
		array(
			'methods'             => 'POST',
			'callback'            => __NAMESPACE__ . '\decided',
			'permission_callback' => __NAMESPACE__ . '\is_signed',
		)
	)
);

function is_signed( \WP_REST_Request $request ) {
	if ( ! defined( 'WINNOW_WEBHOOK_SECRET' ) ) {
		return false;
	}
	$at     = (string) $request->get_header( 'webhook-timestamp' );
	$signed = $request->get_header( 'webhook-id' ) . '.' . $at . '.' . $request->get_body();
	$secret = base64_decode( substr( WINNOW_WEBHOOK_SECRET, strlen( 'whsec_' ) ) );
	$mine   = 'v1,' . base64_encode( hash_hmac( 'sha256', $signed, $secret, true ) );
	foreach ( explode( ' ', (string) $request->get_header( 'webhook-signature' ) ) as $theirs ) {
		if ( hash_equals( $mine, $theirs ) ) {
			return abs( time() - (int) $at ) <= 300;
		}
	}
	return false;
}

function decided( \WP_REST_Request $request ) {
	$event = $request->get_json_params();
	$data  = $event['data'] ?? array();
	$turn  = (int) ( $data['sequence'] ?? 0 );
	$id    = find( $data );
	// The first turn is the verdict that the check was answered with; a lower one came too late.
	if ( $id && $turn > max( 1, (int) get_comment_meta( $id, 'winnow_sequence', true ) ) ) {
		update_comment_meta( $id, 'winnow_sequence', $turn );
		match ( $event['type'] ) {
			'comment.approved'                   => wp_set_comment_status( $id, 'approve' ),
			'comment.spam'                       => wp_spam_comment( $id ),
			'comment.rejected', 'comment.erased' => wp_trash_comment( $id ),
			default                              => null,
		};
	}
	return new \WP_REST_Response( null, 204 );
}

function find( $data ) {
	$guid  = str_replace( '-', '', (string) ( $data['id'] ?? '' ) );
	$query = array( 'meta_key' => 'winnow_guid', 'meta_value' => $guid, 'status' => 'any', 'fields' => 'ids', 'number' => 1 );
	$found = '' === $guid ? array() : get_comments( $query );
	$own   = (string) ( $data['external_id'] ?? '' ); // an imported comment's is its number here
	return $found ? $found[0] : ( ctype_digit( $own ) && get_comment( (int) $own ) ? (int) $own : 0 );
}
