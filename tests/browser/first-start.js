// A shop as somebody has it who just started Stockroom: a server of its own on an empty folder, with the
// demo catalogue and the administrator whose password is printed once. Needs the program:
//   STOCKROOM_PROGRAM

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually, setting } from './browser.js';

const PROGRAM = setting('STOCKROOM_PROGRAM');
const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 40_000;

export class FirstStart {
  /** What the server has printed. */
  #printed = '';
  #folder;
  #server;

  static async begin() {
    const start = new FirstStart();
    start.#folder = await mkdtemp(path.join(tmpdir(), 'stockroom-first-start-'));
    try {
      await start.#serve();
    } catch (error) {
      await start.end();
      throw error;
    }
    return start;
  }

  async #serve() {
    // In a folder and with settings of its own, away from a developer's .env.
    this.#server = spawn(PROGRAM, [], {
      cwd: this.#folder,
      env: { PATH: process.env.PATH, LISTEN_ADDR: '127.0.0.1:0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#server.on('error', (error) => (this.#printed += String(error)));
    for (const stream of [this.#server.stdout, this.#server.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.#printed += text));
    }
    const isReady = () => this.#printed.includes('Ctrl-C ends it');
    await eventually(() => isReady() || !this.#isRunning || undefined, START_LIMIT_MS);
    if (!isReady()) throw new Error(`the server did not start:\n${this.#printed}`);
    this.address = this.#find(/GraphiQL +(\S+)/)[0];
    const [email, password] = this.#find(/Sign in as (\S+) with the password (\S+)/);
    this.admin = { email, password };
  }

  #find(pattern) {
    const found = pattern.exec(this.#printed);
    if (!found) throw new Error(`the server printed no ${pattern}:\n${this.#printed}`);
    return found.slice(1);
  }

  get #isRunning() {
    const { pid, exitCode, signalCode } = this.#server;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  async end() {
    if (this.#isRunning) {
      const ended = once(this.#server, 'exit');
      this.#server.kill('SIGTERM');
      const insist = setTimeout(() => this.#server.kill('SIGKILL'), END_LIMIT_MS);
      await ended;
      clearTimeout(insist);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
