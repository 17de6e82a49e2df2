"""SQLAlchemy's exceptions, and which of them are others: who catches the one catches the other."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings

PARENTS = {
    "SQLAlchemyError": "Exception",
    "ArgumentError": "SQLAlchemyError",
    "InvalidRequestError": "SQLAlchemyError",
    "IllegalStateChangeError": "InvalidRequestError",
    "PendingRollbackError": "InvalidRequestError",
    "MissingGreenlet": "InvalidRequestError",
    "NoResultFound": "InvalidRequestError",
    "MultipleResultsFound": "InvalidRequestError",
    "DetachedInstanceError": "SQLAlchemyError",
    "StatementError": "SQLAlchemyError",
    "DBAPIError": "StatementError",
    "DatabaseError": "DBAPIError",
    "IntegrityError": "DatabaseError",
    "OperationalError": "DatabaseError",
    "ProgrammingError": "DatabaseError",
    "DataError": "DatabaseError",
    "StaleDataError": "SQLAlchemyError",
    "FlushError": "SQLAlchemyError",
}


def register(meanings: Meanings) -> None:
    meanings.database_errors.add("sqlalchemy")
    for name, parent in PARENTS.items():
        line, one = [name], parent
        while one in PARENTS:
            line.append(one)
            one = PARENTS[one]
        meanings.exceptions[name] = (*line, one, "BaseException")
