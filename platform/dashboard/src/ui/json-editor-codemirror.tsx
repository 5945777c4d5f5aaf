import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { linter, lintKeymap } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import classes from "./json-editor.module.css";
import type { JsonEditorProps } from "./json-editor.tsx";
import { schemaCompletion, schemaDiagnostics } from "./json-schema-support.ts";

/** The styles that CodeMirror makes carry the page's nonce: its policy allows no others. */
const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";

const highlighting = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent-text)" },
  { tag: tags.string, color: "var(--success-text)" },
  { tag: tags.number, color: "var(--info-text)" },
  { tag: [tags.bool, tags.null], color: "var(--wait-text)" },
  { tag: tags.invalid, color: "var(--danger-text)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "12px", backgroundColor: "var(--surface)", color: "var(--text)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-gutters": { backgroundColor: "var(--surface-2)", color: "var(--text-3)", border: "0" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-tooltip": { backgroundColor: "var(--surface)", border: "1px solid var(--border-strong)", borderRadius: "6px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-diagnostic": { padding: "4px 8px" },
  // Outlines, not backgrounds: Chromium keeps the background of a text that is typed over, as an inline style of its line,
  // which stays there, and which the page's policy complains of.
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--text-3)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--danger-text)" },
});

function extensions(label: string): Extension[] {
  return [
    EditorView.cspNonce.of(nonce),
    lineNumbers(),
    foldGutter(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    json(),
    syntaxHighlighting(highlighting),
    look,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": label }),
  ];
}

export default function CodeMirrorEditor(props: JsonEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const byProps = useRef(new Compartment());
  useEffect(() => {
    const submit = () => {
      latest.current.onSubmit?.();
      return latest.current.onSubmit !== undefined;
    };
    const made = new EditorView({
      parent: host.current as HTMLElement,
      state: EditorState.create({
        doc: props.value,
        extensions: [
          keymap.of([{ key: "Mod-Enter", run: submit }]),
          extensions(props.label),
          byProps.current.of(propsExtensions(props)),
          // Tab moves on after Escape: nobody is caught in the editor.
          keymap.of([
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...lintKeymap,
            ...historyKeymap,
            ...defaultKeymap,
            indentWithTab,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- made once; what changes later goes through the compartment
  }, []);
  useEffect(() => {
    view.current?.dispatch({ effects: byProps.current.reconfigure(propsExtensions(latest.current)) });
  }, [props.schema, props.isReadOnly]);
  useEffect(() => {
    const text = view.current?.state.doc.toString();
    if (text !== undefined && text !== props.value)
      view.current?.dispatch({ changes: { from: 0, to: text.length, insert: props.value } });
  }, [props.value]);
  return <div ref={host} className={classes.editor} style={{ height: props.height }} />;
}

function propsExtensions({ schema, isReadOnly = false }: JsonEditorProps): Extension[] {
  return [
    EditorState.readOnly.of(isReadOnly),
    EditorView.editable.of(!isReadOnly),
    ...(isReadOnly ? [] : [linter((view) => schemaDiagnostics(view.state, schema), { delay: 250 })]),
    autocompletion({ override: [schemaCompletion(schema)] }),
  ];
}
