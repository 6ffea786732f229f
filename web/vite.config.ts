import { defineConfig } from 'vite';

// One HTML file a page: the server hands out `graphiql.html` at `/` and `dashboard.html` at
// `/dashboard`. `scripts/web` compresses what is built here into `dist`, which is committed and embedded in the binary.
export default defineConfig({
  build: {
    outDir: '.cache/build',
    target: 'es2022',
    // Nothing may be inlined into the HTML: the content security policy allows no inline script.
    modulePreload: { polyfill: false },
    // A file named by the page and by a script would be inlined or not by chance.
    assetsInlineLimit: 0,
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 8192,
    rolldownOptions: {
      input: ['graphiql.html', 'dashboard.html'],
      onLog(level, log, handle) {
        // "use client" and the like speak to server-side renderers; there is none here.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  // Workers are files of their own (`worker-src 'self'`), never blobs.
  worker: { format: 'es' },
  // `npm run dev` talks to a server started with `cargo run`.
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:8000', ws: true } } },
});
