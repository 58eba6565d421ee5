"""The flight planner: spirals around a place, sized to batteries, in the formats that pilots' apps read."""
