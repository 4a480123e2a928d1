#!/usr/bin/env bash
# Brings the plugin's translations up to date with its texts, and compiles them. Needs gettext.
set -euo pipefail
cd "$(dirname "$0")/winnow"
xgettext --language=PHP --from-code=UTF-8 --add-comments=translators --no-wrap --omit-header --package-name=Winnow \
  --keyword=__ --keyword=esc_html__ --keyword=esc_attr__ --output=languages/winnow.pot winnow.php includes/*.php
sed -i '1i msgid ""\nmsgstr ""\n"Project-Id-Version: Winnow 1.0.0\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n"X-Domain: winnow\\n"\n' languages/winnow.pot
for po in languages/*.po; do
  msgmerge --quiet --update --no-wrap --no-fuzzy-matching --backup=none "$po" languages/winnow.pot
  msgfmt --check --output-file="${po%.po}.mo" "$po"
done
