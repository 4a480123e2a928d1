"""A WordPress in a throw-away directory, with a database and a web server of its own."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import html
import http.client
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from tests.support.service import Running, free_port
from tests.support.waiting import wait_until

NEEDED = {
    "php": "php-cli",
    "mariadbd": "mariadb-server",
    "mariadb": "mariadb-client",
    "faketime": "faketime",
}
PACKAGES = [
    "php-cli",
    "php-mysql",
    "php-curl",
    "php-xml",
    "php-mbstring",
    "mariadb-server",
    "faketime",
]
UNPACKED = ["wordpress", "wordpress-theme-twentytwentythree"]
#: Ships several WordPresses, the newest of them a release candidate of 6.6 and a nightly of 6.7.
BUILDS = "@wp-playground/wordpress-builds@0.9.19"
ADMIN, PASSWORD = "editor", "a long password, 8 words of it or so"
ADDRESS = "127.0.0.1"
VERSION = "echo 'WordPress ', $wp_version, ', PHP ', PHP_VERSION;"
#: Our plugin lets a reader wait 2 s for the verdict and 5 s for an answer. Where several suites share two cores
#: they come later, and then by webhook: what is claimed of a reader's own request would depend on luck.
PATIENT = """<?php add_filter( 'http_request_args', function ( $args ) {
    $args['timeout'] = max( 60, $args['timeout'] );
    if ( is_array( $args['headers'] ) && isset( $args['headers']['Prefer'] ) ) {
        $args['headers']['Prefer'] = 'wait=10';
    }
    return $args;
} );"""
#: What WordPress's own .htaccess does for a network of blogs in subdirectories.
ROUTER = """<?php
$path = parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
$root = $_SERVER['DOCUMENT_ROOT'];
if ( ! file_exists( $root . $path ) ) {
    $path = preg_replace( '~^/[_0-9a-zA-Z-]+(/wp-(?:content|admin|includes)(?:/.*)?|/[^/]+\\.php)$~', '$1', $path );
}
$path = preg_replace( '~/$~', '/index.php', $path );
if ( ! is_file( $root . $path ) ) {
    $path = '/index.php';
}
$file = $root . $path;
if ( '.php' !== substr( $file, -4 ) ) {
    return false;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $path;
$_SERVER['SCRIPT_FILENAME'] = $file;
chdir( dirname( $file ) );
require $file;
"""
#: Makes a network of blogs of one that was installed, as Tools > Network Setup does.
MAKE_NETWORK = """
    define( 'WP_INSTALLING_NETWORK', true );
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    foreach ( $wpdb->tables( 'ms_global' ) as $table => $name ) { $wpdb->$table = $name; }
    install_network();
    $made = populate_network( 1, '%(host)s', 'editor@blog.example', 'The Gardens', '/', false );
    if ( is_wp_error( $made ) && 'no_wildcard_dns' !== $made->get_error_code() ) { die( $made->get_error_message() ); }
"""


class Blog:
    """A WordPress in *home*, its database and its web server."""

    def __init__(self, home: Path, root: Path) -> None:
        self.home, self.root = home, root
        home.mkdir(exist_ok=True)
        home.chmod(0o755)
        self.port = free_port()
        self.host = f"{ADDRESS}:{self.port}"
        self.path, self.tables = "", "wp_"
        self._socket = home / "db.sock"
        self._cookies = SimpleCookie()
        self._readers = 1

    @property
    def url(self) -> str:
        """Where readers find it."""
        return f"http://{self.host}{self.path}"

    @contextmanager
    def running(
        self,
        *,
        constants: Mapping[str, str],
        install: Callable[[Blog], None] = lambda _: None,
        plugins: Sequence[str] = (),
    ) -> Iterator[Blog]:
        """Run it with *constants* in wp-config.php, *plugins* active, and what *install* puts there."""
        database = self._database()
        try:
            self._install(constants, install, plugins)
            server = subprocess.Popen(
                [
                    "php",
                    "-d",
                    "opcache.revalidate_freq=0",
                    "-S",
                    self.host,
                    "-t",
                    str(self.root),
                    *self._router(),
                ],
                stdout=subprocess.DEVNULL,
                stderr=(self.home / "php.log").open("wb"),
                env={**os.environ, "PHP_CLI_SERVER_WORKERS": "4"},
                start_new_session=True,
            )
            try:
                wait_until(lambda: self.get("/wp-login.php")[0] == 200, message="WordPress")
                yield self
            finally:
                os.killpg(server.pid, 15)
                server.wait(10)
        finally:
            database.terminate()
            database.wait(30)

    def _router(self) -> list[str]:
        router = self.home / "router.php"
        return [str(router)] if router.exists() else []

    @contextmanager
    def network(self, second: str) -> Iterator[Blog]:
        """Run it as a network of two blogs; the one yielded is at the path *second* ("/pond")."""
        (self.home / "router.php").write_text(ROUTER, encoding="utf-8")
        with self.running(constants={}):
            self.run(MAKE_NETWORK % {"host": self.host})
            self._configure({
                "WP_ALLOW_MULTISITE": "1",
                "MULTISITE": "1",
                "SUBDOMAIN_INSTALL": "",
                "DOMAIN_CURRENT_SITE": self.host,
                "PATH_CURRENT_SITE": "/",
                "SITE_ID_CURRENT_SITE": "1",
                "BLOG_ID_CURRENT_SITE": "1",
            })  # fmt: skip
            number = self.run(f"""
                // WordPress wants networks at port 80 or 443, and would take the port away.
                add_filter( 'wp_normalize_site_data', fn( $data ) => array( 'domain' => '{self.host}' ) + $data, 20 );
                $made = wp_insert_site( array( 'domain' => '{self.host}', 'path' => '{second}/',
                    'network_id' => 1, 'user_id' => 1, 'title' => 'The Pond' ) );
                if ( is_wp_error( $made ) ) {{ die( $made->get_error_message() ); }}
                switch_to_blog( $made );
                update_option( 'comment_previously_approved', '' );
                echo $made;""")
            assert number.isdecimal(), number
            other = copy.copy(self)
            other.path, other.tables, other._readers = second, f"wp_{number}_", 100
            yield other

    def _database(self) -> subprocess.Popen[bytes]:
        data, log = self.home / "db", (self.home / "db.log").open("wb")
        user = ["--user=root"] if os.geteuid() == 0 else []
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", *user]
        install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, stdout=log, stderr=log)
        serve = ["mariadbd", "--no-defaults", f"--datadir={data}", *user, "--skip-networking"]
        serve += [f"--socket={self._socket}", f"--pid-file={self.home}/db.pid"]
        path = f"{os.environ['PATH']}:/usr/sbin"
        process = subprocess.Popen(
            [shutil.which("mariadbd", path=path) or "mariadbd", *serve[1:]], stdout=log, stderr=log
        )
        wait_until(self._socket.exists, 60, "MariaDB")
        self.sql("CREATE DATABASE blog CHARACTER SET utf8mb4", database="")
        return process

    def _configure(self, constants: Mapping[str, str]) -> None:
        constants = {
            "DB_NAME": "blog",
            "DB_USER": "root",
            "DB_PASSWORD": "",
            "DB_HOST": f"localhost:{self._socket}",
            "DB_CHARSET": "utf8mb4",
            "DB_COLLATE": "",
            "WP_HTTP_BLOCK_EXTERNAL": "1",  # nothing else is asked: no updates, no akismet.com
            "WP_ACCESSIBLE_HOSTS": ADDRESS,
            "DISABLE_WP_CRON": "1",
            "FS_METHOD": "direct",
            **constants,
        }
        lines = [f"define( '{name}', '{value}' );" for name, value in constants.items()]
        config = "<?php\n" + "\n".join(lines) + "\n$table_prefix = 'wp_';\n"
        config += "define( 'WP_DEBUG', true );\ndefine( 'WP_DEBUG_DISPLAY', false );\n"
        config += f"define( 'WP_DEBUG_LOG', '{self.home}/debug.log' );\n"
        config += "define( 'ABSPATH', __DIR__ . '/' );\nrequire_once ABSPATH . 'wp-settings.php';\n"
        (self.root / "wp-config.php").write_text(config, encoding="utf-8")

    def _install(
        self,
        constants: Mapping[str, str],
        install: Callable[[Blog], None],
        plugins: Sequence[str],
    ) -> None:
        self._configure(constants)
        must_use = self.root / "wp-content" / "mu-plugins"
        must_use.mkdir(exist_ok=True)
        box = (
            f"file_put_contents( '{self.home}/mails.log', $mail['subject'] . PHP_EOL, FILE_APPEND )"
        )
        (must_use / "mails.php").write_text(
            f"<?php add_filter( 'pre_wp_mail', function ( $none, $mail ) {{ {box}; return true; }}, 10, 2 );"
        )
        (must_use / "patient.php").write_text(PATIENT)
        install(self)
        active = ", ".join(f"'{one}'" for one in plugins)
        self.php(f"""
            define( 'WP_INSTALLING', true );
            require '{self.root}/wp-load.php';
            require '{self.root}/wp-admin/includes/upgrade.php';
            wp_install( 'The Garden', '{ADMIN}', 'editor@blog.example', true, '', '{PASSWORD}' );
            update_option( 'siteurl', '{self.url}' );
            update_option( 'home', '{self.url}' );
            update_option( 'active_plugins', array( {active} ) );
            update_option( 'comment_previously_approved', '' ); // as our guide says
        """)

    def run(self, code: str, *, days: float = 0) -> str:
        """Run PHP with WordPress loaded, as if some *days* had passed; return what it prints."""
        return self.php(f"require '{self.root}/wp-load.php'; {code}", days=days)

    def cron(self, *, days: float = 0) -> None:
        """Do what is due, as a system's own cron does it for a WordPress without visitors."""
        self.php(f"require '{self.root}/wp-cron.php';", days=days)

    def complaints(self) -> str:
        """Return what PHP has complained of."""
        log = self.home / "debug.log"
        return log.read_text() if log.exists() else ""

    def php(self, code: str, *, days: float = 0) -> str:
        """Run PHP as WordPress's host, as if some *days* had passed; return what it prints."""
        server = {"HTTP_HOST": self.host, "REQUEST_METHOD": "GET", "REQUEST_URI": f"{self.path}/"}
        given = "".join(f"$_SERVER['{name}'] = '{value}';" for name, value in server.items())
        later = ["faketime", "-f", f"+{days}d"] if days else []
        done = subprocess.run([*later, "php", "-r", given + code], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        return done.stdout.decode()

    def sql(self, query: str, database: str = "blog") -> str:
        """Return the rows that a query gives, without their heads."""
        ask = ["mariadb", "--no-defaults", f"--socket={self._socket}", "-uroot", "-N", "-B"]
        done = subprocess.run([*ask, "-e", query, database], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def get(self, path: str) -> tuple[int, str]:
        """Return status and page for the logged-in user."""
        return self._ask("GET", path, None, {}, ADDRESS)

    def post(self, path: str, body: bytes, **headers: str) -> int:
        """Return the status that a stranger's POST gets."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=30)
        connection.request(
            "POST", self.path + path, body, {"Content-Type": "application/json", **named}
        )
        return connection.getresponse().status

    def send(self, path: str, form: Mapping[str, str]) -> int:
        """Return the status of a form sent by the logged-in user."""
        return self._ask("POST", path, form, {}, ADDRESS)[0]

    def upload(self, path: str, form: Mapping[str, str], field: str, file: Path) -> str:
        """Return the page that a form with a file gets."""
        boundary = "----a-trial-of-winnow"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in form.items()
        ]
        last = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{file.name}"'
        body = (
            "".join(parts).encode() + last.encode() + b"\r\nContent-Type: application/zip\r\n\r\n"
        )
        body += file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        status, page = self._ask("POST", path, body, kind, ADDRESS)
        assert status == 200, (status, page[:500])
        return page

    def mails(self) -> str:
        """Return the subjects of the e-mails that WordPress wanted to send; forget them."""
        box = self.home / "mails.log"
        sent = box.read_text() if box.exists() else ""
        box.unlink(missing_ok=True)
        return sent

    def log_in(self) -> None:
        """Be the blog's moderator from now on."""
        self.get("/wp-login.php")
        form = {"log": ADMIN, "pwd": PASSWORD, "testcookie": "1"}
        self._ask("POST", "/wp-login.php", form, {}, ADDRESS)
        status, page = self.get("/wp-admin/edit-comments.php")
        assert status == 200, page[:500]

    def comment(self, text: str, name: str) -> int:
        """Leave a comment as a reader would, through the form; return its number, 0: discarded.

        Each reader has an address of their own, since WordPress refuses quick successors.
        """
        self._readers, before = self._readers + 1, self._newest()
        form = {
            "comment": text,
            "author": name,
            "email": f"reader{self._readers}@mail.example",
            "url": "",
            "comment_post_ID": "1",
            "comment_parent": "0",
        }
        cookies, self._cookies = self._cookies, SimpleCookie()
        status, page = self._ask(
            "POST", "/wp-comments-post.php", form, {}, f"127.0.0.{self._readers}"
        )
        self._cookies = cookies
        assert status == 302, (status, page)
        newest = self._newest()
        return newest if newest > before else 0

    def _newest(self) -> int:
        return int(self.sql(f"SELECT MAX(comment_ID) FROM {self.tables}comments"))

    def status(self, comment: int) -> str:
        """Return where a comment stands: 1, 0, spam or trash."""
        return self.sql(
            f"SELECT comment_approved FROM {self.tables}comments WHERE comment_ID = {comment}"
        )

    def is_public(self, text: str) -> bool:
        """Say whether a stranger finds *text* on the post's page."""
        cookies, self._cookies = self._cookies, SimpleCookie()
        page = self.get("/?p=1")[1] + self.get("/?rest_route=/wp/v2/comments&per_page=100")[1]
        self._cookies = cookies
        return text in html.unescape(page)

    def press(self, action: str, comment: int, *, on: str) -> None:
        """Follow the link under a comment that does *action*."""
        page = self.get(f"/wp-admin/edit-comments.php?comment_status={on}")[1]
        links = re.findall(r"href=['\"](comment\.php\?[^'\"]+)['\"]", page)
        wanted = [link for link in map(html.unescape, links) if f"action={action}&" in link + "&"]
        own = [link for link in wanted if re.search(rf"[?&]c={comment}(&|$)", link)]
        assert own, f"no link {action} for comment {comment} among {links}"
        (link, *_) = own
        status, _ = self.get(f"/wp-admin/{link}")
        assert status == 302, (action, status)

    def _ask(
        self, method: str, path: str, form: Mapping[str, str] | bytes | None,
        headers: dict[str, str], address: str,
    ) -> tuple[int, str]:  # fmt: skip
        cookies = "; ".join(f"{name}={one.coded_value}" for name, one in self._cookies.items())
        given = {"Cookie": cookies, **headers}
        body = form if isinstance(form, bytes) or form is None else urlencode(form)
        if form is not None and body is not form:
            given["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(
            ADDRESS, self.port, timeout=60, source_address=(address, 0)
        )
        try:
            connection.request(method, self.path + path, body, given)
            answer = connection.getresponse()
            page = answer.read().decode("utf-8", "replace")
        except ConnectionError:
            return 0, ""
        for line in answer.headers.get_all("Set-Cookie") or []:
            self._cookies.load(line)
        return answer.status, page


def prepared() -> str:
    """Install what is missing if that can be done; return what is still wrong."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [
        package for command, package in NEEDED.items() if not shutil.which(command, path=path)
    ]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=True)
        missing = []
    if missing:
        return f"This needs Debian's {', '.join(PACKAGES)}; as root it installs them itself."
    return "" if shutil.which("apt-get") else "This needs Debian: it unpacks its WordPress."


def debian(home: Path) -> Path:
    """Unpack Debian's WordPress into *home*; return where it lies."""
    download = ["apt-get", "download", "-qq", *UNPACKED]
    if subprocess.run(download, cwd=home, check=False, stderr=subprocess.DEVNULL).returncode:
        subprocess.run(["apt-get", "update", "-qq"], check=True)  # as root: its lists were empty
        subprocess.run(download, cwd=home, check=True)
    for package in home.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, home], check=True)
    return home / "usr" / "share" / "wordpress"


def builds(home: Path) -> Mapping[str, Path]:
    """Fetch the WordPresses that npm has; return the zips by name, none if npm is not there."""
    if shutil.which("npm") is None:
        return {}
    home.mkdir(exist_ok=True)
    packed = subprocess.run(
        ["npm", "pack", "--silent", BUILDS], cwd=home, capture_output=True, check=False
    )
    if packed.returncode:
        print(f"npm has no {BUILDS}: only Debian's WordPress is tried", file=sys.stderr)
        return {}
    archive = next(home.glob("*.tgz"))
    subprocess.run(["tar", "xzf", archive, "package/src/wordpress"], cwd=home, check=True)
    return {one.stem: one for one in home.glob("package/src/wordpress/*.zip")}


def unzipped(build: Path, home: Path) -> Path:
    """Unpack a WordPress of npm's into *home*; return where it lies."""
    with zipfile.ZipFile(build) as archive:
        archive.extractall(home)
    return home


def known(winnow: Running, text: str) -> dict:
    """Return what Winnow knows of the newest comment with *text*."""
    found = winnow.ask("GET", "/v1/comments?limit=100")[1]["items"]
    assert text in {one["content"] for one in found}, [one["content"] for one in found]
    return next(one for one in found if one["content"] == text)


def held(blog: Blog, winnow: Running, text: str, name: str) -> tuple[int, dict]:
    comment = blog.comment(text, name)
    assert blog.status(comment) == "0", f"held here means held there, not {blog.status(comment)}"
    assert not blog.is_public(text)
    return comment, known(winnow, text)


def signed(secret: str, at: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks v1, written independently from its specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, f"evt_1.{at}.".encode() + body, hashlib.sha256)
    signature = f"v1,bm90aGluZw== v1,{base64.b64encode(mac).decode()}"
    return {"webhook_id": "evt_1", "webhook_timestamp": str(at), "webhook_signature": signature}
