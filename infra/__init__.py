"""The Pulumi program of a platform: settings, topology, and the line that leads to resources.

Data flows one way: ``settings`` reads the stack file, ``topology`` decides everything that
shapes the graph, ``naming`` names it, ``program`` creates it, ``outputs`` describes it.
"""
