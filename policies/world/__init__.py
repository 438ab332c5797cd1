"""The closed world: which resource types a stack may hold, and what each of their properties is.

One module for each service of AWS. A type that stands in none of them fails the check by name,
and so does a property; tests compare the tables with the SDK's own argument types.
"""
