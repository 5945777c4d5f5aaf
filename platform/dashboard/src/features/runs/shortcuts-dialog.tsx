import { useState } from "react";
import { Dialog } from "../../ui/dialog.tsx";
import { Switch } from "../../ui/field.tsx";
import { Kbd, KeyValueList } from "../../ui/key-value.tsx";
import { areShortcutsOn, setShortcutsOn } from "../../ui/shortcut-setting.ts";

const KEYS = [
  { keys: ["j", "k"], does: "Next run, previous run" },
  { keys: ["Enter"], does: "Open the run" },
  { keys: ["x"], does: "Select the run" },
  { keys: ["Esc"], does: "Select none" },
  { keys: ["/"], does: "Search" },
  { keys: ["Ctrl", "K"], does: "Go anywhere" },
  { keys: ["?"], does: "These keys" },
];

/** What the keyboard does, and the switch that turns single keys off. */
export function ShortcutsDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [isOn, setOn] = useState(areShortcutsOn);
  const change = (next: boolean) => {
    setShortcutsOn(next);
    setOn(next);
  };
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title="Keyboard"
      footer={<Switch label="Single keys do something" isOn={isOn} onChange={change} />}
    >
      <KeyValueList
        items={KEYS.map(({ keys, does }) => ({
          key: does,
          value: keys.map((key) => (
            <span key={key}>
              <Kbd>{key}</Kbd>{" "}
            </span>
          )),
        }))}
      />
    </Dialog>
  );
}
