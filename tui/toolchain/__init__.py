"""What is installed around us: boards, Vela's lists, firmware images, QEMU, ELF files."""
