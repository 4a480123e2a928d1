# frozen_string_literal: true

# All that a Rails application needs to know of Winnow: submit a comment, and believe a webhook.
# Put it into app/lib/; nothing but Ruby's own library is used.

require "base64"
require "json"
require "net/http"
require "openssl"

module Winnow
  TOLERANCE_SECONDS = 300

  # Returns Winnow's answer to a comment; raises when it did not take it, so that a job tries again.
  def self.submit(comment, url: ENV.fetch("WINNOW_URL"), key: ENV.fetch("WINNOW_KEY"))
    headers = { "Authorization" => "Bearer #{key}", "Content-Type" => "application/json" }
    answer = Net::HTTP.post(URI("#{url}/v1/comments"), JSON.generate(comment), headers)
    raise "Winnow answered #{answer.code}: #{answer.body}" unless answer.is_a?(Net::HTTPSuccess)

    JSON.parse(answer.body)
  end

  # Says whether Winnow sent this body, unchanged and just now (Standard Webhooks v1).
  def self.genuine?(id, timestamp, signatures, body, secret: ENV.fetch("WINNOW_SECRET"))
    return false if (Time.now.to_i - timestamp.to_i).abs > TOLERANCE_SECONDS

    key = Base64.decode64(secret.delete_prefix("whsec_"))
    mine = "v1,#{Base64.strict_encode64(OpenSSL::HMAC.digest("SHA256", key, "#{id}.#{timestamp}.#{body}"))}"
    signatures.to_s.split.any? { |theirs| OpenSSL.secure_compare(mine, theirs) }
  end
end
