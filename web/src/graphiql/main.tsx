/** The page at `/`: GraphiQL with example tabs, the explorer and a way to sign in. */

import './workers.ts';
// Before the style sheets of GraphiQL: theirs correct the editor's.
import 'monaco-graphql/esm/monaco-editor.js';
import '@graphiql/react/font/roboto.css';
import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '@graphiql/plugin-explorer/style.css';
import 'graphiql/graphiql.css';
import './stockroom.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import logo from '../favicon.svg';
import { EXAMPLE_TABS } from '../examples.ts';
import { fetcher } from './fetcher.ts';
import { SessionHeaders } from './session-headers.tsx';
import { SIGN_IN_PLUGIN } from './sign-in.tsx';

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false }), SIGN_IN_PLUGIN];

const app = document.getElementById('app');
if (!app) throw new Error('graphiql.html has no #app');

createRoot(app).render(
  <StrictMode>
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={EXAMPLE_TABS}
      plugins={PLUGINS}
      shouldPersistHeaders
      defaultEditorToolsVisibility="variables"
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <span className="stockroom-logo">
          <img src={logo} alt="" width="22" height="22" />
          Stockroom
        </span>
      </GraphiQL.Logo>
      <SessionHeaders />
    </GraphiQL>
  </StrictMode>,
);
