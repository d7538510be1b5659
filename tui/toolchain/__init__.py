"""The tools and boards around us: Vela's lists, targets, firmware images, QEMU, ELF files."""
