import { useState } from "react";
import { savedTheme, saveTheme, type Theme } from "../theme/theme.ts";
import { IconButton } from "../ui/button.tsx";
import type { IconName } from "../ui/icon.tsx";
import { Menu } from "../ui/menu.tsx";

const CHOICES: readonly { theme: Theme; label: string; icon: IconName }[] = [
  { theme: "system", label: "As the system", icon: "monitor" },
  { theme: "light", label: "Light", icon: "sun" },
  { theme: "dark", label: "Dark", icon: "moon" },
];

export function ThemeToggle() {
  const [theme, setTheme] = useState(savedTheme);
  const current = CHOICES.find((choice) => choice.theme === theme);
  return (
    <Menu
      label="Theme"
      trigger={(props) => <IconButton icon={current?.icon ?? "monitor"} label="Theme" {...props} />}
      items={CHOICES.map((choice) => ({
        label: choice.label,
        icon: choice.icon,
        isSelected: choice.theme === theme,
        onSelect: () => {
          saveTheme(choice.theme);
          setTheme(choice.theme);
        },
      }))}
    />
  );
}
