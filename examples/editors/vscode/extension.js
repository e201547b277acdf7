// Starts `ot2flow lsp` and lets the two talk. Everything else is in ot2flow.
const { workspace } = require('vscode');
const { LanguageClient, TransportKind } = require('vscode-languageclient/node');

let client;

exports.activate = () => {
  const command = workspace.getConfiguration('ot2flow').get('path');
  client = new LanguageClient('ot2flow', 'ot2flow',
    { command, args: ['lsp'], transport: TransportKind.stdio },
    { documentSelector: [{ language: 'yaml' }] }); // what is no workflow is left alone
  return client.start();
};

exports.deactivate = () => client && client.stop();
