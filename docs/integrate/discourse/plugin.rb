# frozen_string_literal: true

# name: winnow
# about: Discourse's Akismet plugin asks your own Winnow instead of akismet.com
# version: 1.0.0

# In the container: WINNOW_URL=https://winnow.example

after_initialize do
  Akismet::Client.prepend(
    Module.new do
      def initialize(api_key:, **rest)
        super
        @winnow_key = api_key
        @api_url = "#{ENV.fetch("WINNOW_URL")}/1.1"
      end

      def post(path, body)
        super(path, body.merge(api_key: @winnow_key))
      end
    end
  )
end
