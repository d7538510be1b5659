"""Pictures of all screens, in all sizes and looks. The snapshot tests show a part of the same table."""
