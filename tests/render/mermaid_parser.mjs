// Reads a flowchart from standard input with Mermaid itself and prints what it holds, as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const modules = createRequire(`${process.argv[2]}/package.json`);
const load = (name) => import(pathToFileURL(modules.resolve(name)));

const { JSDOM } = await load("jsdom");
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
globalThis.Element = window.Element;
const { default: mermaid } = await import(pathToFileURL(`${process.argv[2]}/node_modules/mermaid/dist/mermaid.core.mjs`));
mermaid.initialize({ startOnLoad: false });
const diagram = await mermaid.mermaidAPI.getDiagramFromText(readFileSync(0, "utf-8"));
const db = diagram.db;
const nodes = [...db.getVertices().values()].map((node) => ({ id: node.id, text: node.text, type: node.type }));
const boxes = db.getSubGraphs().map((box) => ({ id: box.id, title: box.title, nodes: box.nodes }));
const edges = db.getEdges().map(({ start, end, text, stroke }) => ({ start, end, text, stroke }));
console.log(JSON.stringify({ title: db.getDiagramTitle(), nodes, boxes, edges }));
