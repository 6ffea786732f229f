"""Takes every mail and delivers none: for compose.yaml, to look at what the shop sends.

SMTP on port 1025, a page with the last mails on port 8025. Nothing is kept on disk.
"""

import asyncio
import collections
import email
import email.policy
import html
import re

LARGEST_MAIL_BYTES = 1024 * 1024
SECONDS_OF_SILENCE = 300
mails = collections.deque(maxlen=100)

HEAD = (
    "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Mails</title>
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark }} body {{ font: 1rem/1.5 system-ui; margin: 2rem auto;
max-width: 50rem; padding: 0 1rem }} pre {{ font: inherit; white-space: pre-wrap;
overflow-wrap: anywhere }}</style><h1>Mails: {count}</h1>{mails}"""


async def take_mails(reader, writer):
    """One conversation over SMTP."""

    def say(line):
        writer.write(f"{line}\r\n".encode())

    async def line():
        return await asyncio.wait_for(reader.readline(), SECONDS_OF_SILENCE)

    say("220 mail catcher")
    while command := (await line()).decode(errors="replace").strip():
        verb = command.split(maxsplit=1)[0].upper()
        if verb == "EHLO":
            writer.write(f"250-mail\r\n250-8BITMIME\r\n250 SIZE {LARGEST_MAIL_BYTES}\r\n".encode())
        elif verb == "DATA":
            say("354 go on")
            text = bytearray()
            while (part := await line()) not in (b".\r\n", b""):
                if len(text) <= LARGEST_MAIL_BYTES:
                    text += part[1:] if part.startswith(b".") else part
            say("552 too large" if len(text) > LARGEST_MAIL_BYTES else "250 taken")
            if len(text) <= LARGEST_MAIL_BYTES:
                mails.appendleft(email.message_from_bytes(bytes(text), policy=email.policy.default))
        elif verb == "QUIT":
            say("221 bye")
            break
        elif verb in ("HELO", "MAIL", "RCPT", "RSET", "NOOP"):
            say("250 ok")
        else:
            say("502 not known here")
        await writer.drain()


def shown(mail):
    """A mail as HTML, with its links; nothing that is in it becomes a part of the page."""
    body = mail.get_body(preferencelist=("plain", "html"))
    text = html.escape(body.get_content() if body else "")
    text = re.sub(r"https?://[^\s<>\"]+", r'<a href="\g<0>">\g<0></a>', text)
    subject, to, date = (html.escape(str(mail[name] or "")) for name in ("subject", "to", "date"))
    return f"<article><h2>{subject}</h2><p>To {to}, {date}</p><pre>{text}</pre></article>"


async def show_mails(reader, writer):
    """One request for the page."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    found = head.startswith((b"GET / ", b"HEAD / "))
    page = PAGE.format(count=len(mails), mails="".join(map(shown, mails))) if found else ""
    body = page.encode(errors="replace")
    status = "200 OK" if found else "404 Not Found"
    writer.write(HEAD.format(status=status, length=len(body)).encode())
    writer.write(b"" if head.startswith(b"HEAD") else body)


def ending(conversation):
    """Ends the connection with the conversation, also when the peer was gone first."""

    async def served(reader, writer):
        try:
            await conversation(reader, writer)
            await writer.drain()
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    return served


async def main():
    servers = [
        await asyncio.start_server(ending(take_mails), "0.0.0.0", 1025, limit=LARGEST_MAIL_BYTES),
        await asyncio.start_server(ending(show_mails), "0.0.0.0", 8025),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
